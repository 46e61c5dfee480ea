"""nashr (نشر): the library under every service. Start reading at steps.py and pages.py."""
