# Varnish 7 with the xkey vmod (Debian: varnish, varnish-modules) in front of the site bucket, as nashr purges
# it (NASHR_CDN=varnish). For one site whose base_url has no path; docs/cdn.md says what to fill in.
# Its whole behaviour is tested: tests/integration/varnish.
vcl 4.1;

import std;
import xkey;

# The S3 server that readers may read from anonymously.
backend store {
    .host = "STORE_HOST";
    .port = "STORE_PORT";
    .connect_timeout = 1s;
    .first_byte_timeout = 5s;
    .between_bytes_timeout = 5s;
    .probe = {
        .request = "GET /BUCKET/PREFIX404.html HTTP/1.1" "Host: STORE_HOST:STORE_PORT" "Connection: close";
        .interval = 2s;
        .timeout = 1s;
        .window = 3;
        .threshold = 2;
        .initial = 2;
    }
}

sub vcl_recv {
    if (req.restarts == 0) {
        unset req.http.X-Nashr-Way;
    }
    # One spelling per page: no query, no escape in small letters, a folder instead of its index.html.
    set req.url = regsub(req.url, "\?.*$", "");
    set req.url = regsub(req.url, "/index\.html$", "/");
    call spell;

    if (req.method == "PURGE") {
        if (req.http.Nashr-Purge-Secret != "PURGE_SECRET") {
            return (synth(403, "wrong secret"));
        }
        if (req.http.xkey-purge) {
            return (synth(200, "purged " + xkey.purge(req.http.xkey-purge)));
        }
        if (req.http.xkey-softpurge) {
            return (synth(200, "marked " + xkey.softpurge(req.http.xkey-softpurge)));
        }
        return (purge);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405, "method not allowed"));
    }
    unset req.http.Cookie;
    unset req.http.Authorization;
    unset req.http.Cache-Control;
    # What has lapsed, or was marked, may be served only while the store is away.
    if (std.healthy(req.backend_hint) && req.http.X-Nashr-Way != "stale") {
        set req.grace = 0s;
    }
    return (hash);
}

# Percent-escapes with small letters become capitals, as nashr writes them.
sub spell {
    if (req.url ~ "%[0-9a-fA-F]?[a-f]|%[a-f]") {
        set req.url = regsuball(req.url, "%([0-9A-Fa-f])a", "%\1A");
        set req.url = regsuball(req.url, "%([0-9A-Fa-f])b", "%\1B");
        set req.url = regsuball(req.url, "%([0-9A-Fa-f])c", "%\1C");
        set req.url = regsuball(req.url, "%([0-9A-Fa-f])d", "%\1D");
        set req.url = regsuball(req.url, "%([0-9A-Fa-f])e", "%\1E");
        set req.url = regsuball(req.url, "%([0-9A-Fa-f])f", "%\1F");
        set req.url = regsuball(req.url, "%a([0-9A-F])", "%A\1");
        set req.url = regsuball(req.url, "%b([0-9A-F])", "%B\1");
        set req.url = regsuball(req.url, "%c([0-9A-F])", "%C\1");
        set req.url = regsuball(req.url, "%d([0-9A-F])", "%D\1");
        set req.url = regsuball(req.url, "%e([0-9A-F])", "%E\1");
        set req.url = regsuball(req.url, "%f([0-9A-F])", "%F\1");
    }
}

sub vcl_hash {
    hash_data(req.url);
    hash_data(std.tolower(req.http.Host));
    return (lookup);
}

sub vcl_backend_fetch {
    set bereq.http.Host = "STORE_HOST:STORE_PORT";
    unset bereq.http.X-Forwarded-For;
    # ETags alone decide: two versions of the same second have the same Last-Modified.
    if (bereq.http.If-None-Match) {
        unset bereq.http.If-Modified-Since;
    }
    if (bereq.url ~ "/$") {
        set bereq.url = bereq.url + "index.html";
    }
    set bereq.url = "/BUCKET/PREFIX" + regsub(bereq.url, "^/", "");
}

sub vcl_backend_response {
    set beresp.http.xkey = beresp.http.x-amz-meta-surrogate-key;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (beresp.status >= 400) {
        # Whatever is missing may be published the next moment, and the store may come back.
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
        if (beresp.status >= 500 && bereq.is_bgfetch) {
            return (abandon);  # and leave the last copy where it is
        }
        return (deliver);
    }
    if (beresp.http.Cache-Control ~ "stale-if-error") {
        set beresp.grace = 1d;
    }
    set beresp.keep = 1h;
    # Redirects and removed pages are objects that say so in their metadata.
    if (beresp.http.x-amz-meta-status ~ "^(301|302|308|404|410|451)$") {
        if (beresp.http.x-amz-meta-location) {
            set beresp.http.Location = beresp.http.x-amz-meta-location;
        }
        set beresp.status = std.integer(beresp.http.x-amz-meta-status, 200);
        set beresp.grace = 0s;
        set beresp.keep = 0s;
    }
}

sub vcl_deliver {
    # The store has failed just now: the last copy, if there is one.
    if (resp.status >= 500 && !req.http.X-Nashr-Way) {
        set req.http.X-Nashr-Way = "stale";
        return (restart);
    }
    # Nothing there: the site's own page for that. A store that may not list says 403.
    if ((resp.status == 404 || resp.status == 403) && !resp.http.x-amz-meta-status && !req.http.X-Nashr-Way) {
        set req.http.X-Nashr-Way = "missing";
        set req.url = "/404.html";
        return (restart);
    }
    if (req.http.X-Nashr-Way == "missing") {
        # 404.html itself does not say its status: only here does it stand for what is not there.
        if (resp.status == 200) {
            set resp.status = 404;
        }
        unset resp.http.ETag;
        unset resp.http.Last-Modified;
        set resp.http.Cache-Control = "no-store";
    }
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else {
        set resp.http.X-Cache = "MISS";
    }
    unset resp.http.xkey;
    unset resp.http.x-amz-meta-surrogate-key;
    unset resp.http.x-amz-meta-cache-tag;
    unset resp.http.x-amz-meta-status;
    unset resp.http.x-amz-meta-location;
    unset resp.http.x-amz-meta-version;
    unset resp.http.x-amz-request-id;
    unset resp.http.x-amz-id-2;
    unset resp.http.Server;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    set resp.http.X-Content-Type-Options = "nosniff";
}

sub vcl_backend_error {
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
    set beresp.http.Content-Type = "text/plain; charset=utf-8";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    synthetic({"الموقع غير متاح مؤقتًا، يرجى المحاولة بعد قليل.
Temporarily unavailable, please try again soon.
"});
    return (deliver);
}
