// A CloudFront Function (runtime cloudfront-js-2.0) for one site at the root of its host. Attach the same code
// to viewer-request and to viewer-response. docs/cdn.md says what to fill in and what else to set.
// Tested with Node on events as AWS documents them; never run by AWS.

var PREFIX = '/PREFIX'; // as the site's, with a slash at both ends: /khabar/
var STATUSES = { 301: 'Moved Permanently', 302: 'Found', 308: 'Permanent Redirect', 404: 'Not Found', 410: 'Gone',
  451: 'Unavailable For Legal Reasons' };
var INTERNAL = ['status', 'location', 'version', 'seal', 'surrogate-key', 'cache-tag'];

function handler(event) {
  return event.context.eventType === 'viewer-response' ? answered(event.response) : asked(event.request);
}

// One key per page: no query, escapes in capitals, a folder is its index.html.
function asked(request) {
  var path = request.uri.replace(/%[0-9a-f]{2}/gi, function (escape) { return escape.toUpperCase(); });
  var last = path.slice(path.lastIndexOf('/') + 1);
  var whole = path.indexOf('/.well-known/') === 0 || path.indexOf('/a/') === 0; // permalinks are no folders
  if (last !== '' && last.indexOf('.') === -1 && !whole) {
    return { statusCode: 301, statusDescription: STATUSES[301], headers: { location: { value: path + '/' } } };
  }
  request.querystring = {};
  request.uri = PREFIX + path.slice(1) + (last === '' ? 'index.html' : '');
  return request;
}

// Redirects and removed pages are objects that say so in their metadata.
function answered(response) {
  var headers = response.headers;
  var status = headers['x-amz-meta-status'] ? headers['x-amz-meta-status'].value : '';
  if (STATUSES[status]) {
    response.statusCode = Number(status);
    response.statusDescription = STATUSES[status];
    if (headers['x-amz-meta-location']) {
      headers.location = { value: headers['x-amz-meta-location'].value };
    }
  }
  INTERNAL.forEach(function (name) { delete headers['x-amz-meta-' + name]; });
  headers['x-content-type-options'] = { value: 'nosniff' };
  return response;
}
