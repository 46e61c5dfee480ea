"""PostgreSQL: tables, queries, migrations, the step queue and the page rows."""
