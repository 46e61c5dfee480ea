"""Texts and addresses that attackers send, and traps that tell in a browser whether one did anything.

``@N@`` is the payload's number, ``@SINK@`` an address that nothing may ever ask for.
"""

from __future__ import annotations

from typing import Final

_TEXTS: Final = (
    # scripts
    "<script>alert(@N@)</script>",
    "<ScRiPt>alert(@N@)</sCrIpT>",
    "<script src=@SINK@/@N@.js></script>",
    "<script/x>alert(@N@)</script/x>",
    "<<script>alert(@N@)//<</script>",
    "<script>alert(@N@)",
    "<scr<script>ipt>alert(@N@)</scr</script>ipt>",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(@N@)</x:script>",
    # handlers
    "<img src=x onerror=alert(@N@)>",
    "<img src=x:x onerror=\"alert(@N@)\"//",
    "<IMG/SRC=x/ONERROR=alert(@N@)>",
    "<img src=`x` onerror=`alert(@N@)`>",
    "<body onload=alert(@N@)>",
    "<details open ontoggle=alert(@N@)>x</details>",
    "<video><source onerror=alert(@N@)></video>",
    "<audio src=x onerror=alert(@N@)>",
    "<input autofocus onfocus=alert(@N@)>",
    "<select autofocus onfocus=alert(@N@)>",
    "<marquee onstart=alert(@N@)>x</marquee>",
    "<style>@keyframes x{}</style><b style=animation-name:x onanimationstart=alert(@N@)>x</b>",
    # out of an attribute, out of an element
    "\" onmouseover=\"alert(@N@)\" x=\"",
    "' onmouseover='alert(@N@)' x='",
    "` onmouseover=`alert(@N@)`",
    "\"><img src=x onerror=alert(@N@)>",
    "'><img src=x onerror=alert(@N@)>",
    "\" autofocus onfocus=alert(@N@) x=\"",
    "</title><script>alert(@N@)</script>",
    "</textarea><script>alert(@N@)</script>",
    "</style><script>alert(@N@)</script>",
    "</noscript><script>alert(@N@)</script>",
    "--><script>alert(@N@)</script><!--",
    "--!><img src=x onerror=alert(@N@)>",
    "</h1></article><img src=x onerror=alert(@N@)>",
    # out of JSON-LD
    "</script><script>alert(@N@)</script>",
    "</SCRIPT ><img src=x onerror=alert(@N@)>",
    "<!--<script>alert(@N@)",
    "\"}]});alert(@N@);//",
    "\\\"}</script><script>alert(@N@)//",
    "\\u003c/script\\u003e\\u003cscript\\u003ealert(@N@)\\u003c/script\\u003e",
    # out of XML and CDATA
    "]]><script>alert(@N@)</script>",
    "<![CDATA[<script>alert(@N@)</script>]]>",
    "]]></description><item><title>@N@</title></item>",
    "</title><link>@SINK@/@N@</link><title>",
    "<?xml-stylesheet href='@SINK@/@N@.xsl'?>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM '@SINK@/@N@'>]>&y;",
    "&y;&nbsp;&lt;script&gt;alert(@N@)&lt;/script&gt;",
    # SVG, MathML, mutation
    "<svg onload=alert(@N@)>",
    "<svg><script>alert(@N@)</script></svg>",
    "<svg><animate onbegin=alert(@N@) attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:alert(@N@)><text y=9>x</text></a></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(@N@)>#x'/></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(@N@)>",
    "<svg><p><style><a id=\"</style><img src=1 onerror=alert(@N@)>\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(@N@)>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(@N@)>",
    # entities, encodings, odd characters
    "&lt;img src=x onerror=alert(@N@)&gt;",
    "&#60;script&#62;alert(@N@)&#60;/script&#62;",
    "&amp;lt;script&amp;gt;alert(@N@)",
    "%3Cscript%3Ealert(@N@)%3C/script%3E",
    "+ADw-script+AD4-alert(@N@)+ADw-/script+AD4-",
    "\uff1cscript\uff1ealert(@N@)\uff1c/script\uff1e",
    "x\u2028alert(@N@)\u2029x",
    "\u00bcscript\u00bealert(@N@)\u00bc/script\u00be",
    # what would fetch or lead away
    "<img src=@SINK@/@N@.gif>",
    "<iframe src=@SINK@/@N@></iframe>",
    "<iframe srcdoc='<script>parent.alert(@N@)</script>'></iframe>",
    "<object data=@SINK@/@N@></object>",
    "<embed src=@SINK@/@N@>",
    "<link rel=stylesheet href=@SINK@/@N@.css>",
    "<style>@import '@SINK@/@N@.css'</style>",
    "<b style=\"background:url(@SINK@/@N@.png)\">x</b>",
    "<meta http-equiv=refresh content='0;url=@SINK@/@N@'>",
    "<base href=@SINK@/@N@/>",
    "<form action=@SINK@/@N@><input type=submit autofocus>",
    "<a href=\"javascript:alert(@N@)\">x</a>",
    "<a href=//evil.example/@N@>x</a>",
    "url(@SINK@/@N@.png)",
    # templates
    "{{7*7}}{{ config }}{% raw %}@N@",
    "${alert(@N@)} #{7*7} <%= 7*7 %>",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}@N@",
    "{0.__class__} {} %s %(x)s @N@",
)  # fmt: skip

NOT_URLS: Final = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "file:///etc/passwd", "blob:https://x/1",
    "//evil.example/", "/\\evil.example/", "\\\\evil.example", "https:evil.example", "https:/\\evil.example",
    "https://good.example@evil.example/", "https://evil.example/\"onmouseover=alert(1)",
    "https://evil.example/<script>", "https://evil.example/ x", "https://evil.example;script-src",
    "https://evil.example,x/", "https://e'vil.example/", "https://evil.example:0/", "https:///x", "ftp://x.org/",
    "https://evil.example/\u202egnp.x", "https://\u2100.example/",
)  # fmt: skip
"""What no field for an address may take."""

ODD_URLS: Final = (
    "https://odd.example/'onmouseover='alert(1)'/*",
    "https://odd.example/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&amp;x=1",
    "https://odd.example/{{7*7}}/?next=javascript:alert(1)",
    "https://odd.example/;script-src*;/`x`",
    "https://odd.example/#</script>".replace("<", "%3C").replace(">", "%3E"),
)
"""Addresses that are good, and must come out as they went in."""

HOOKS: Final = """
window.ran = [];
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open'])
  window[name] = (...words) => { window.ran.push(`${name} ${words[0]}`); };
document.addEventListener('securitypolicyviolation',
  (one) => window.ran.push(`policy: ${one.violatedDirective} ${one.blockedURI} ${one.sample}`));
"""
"""Run before a page's own scripts; ``window.ran`` then says what ran, and what only the policy stopped."""

FOREIGN: Final = """
() => {
  const found = [];
  const strange = 'script:not([type="application/ld+json"]), iframe, frame, object, embed, svg, math, form,'
    + 'input, base, template, noscript, marquee, video, audio, details, textarea, select,'
    + 'meta[http-equiv=refresh]';
  for (const one of document.querySelectorAll(strange)) found.push(one.outerHTML.slice(0, 200));
  for (const one of document.querySelectorAll('*')) for (const { name, value } of one.attributes) {
    if (/^on|^style$|^srcdoc$/i.test(name)) found.push(`${one.localName} ${name}`);
    if (/^(href|src|action|data|xlink:href)$/i.test(name)
      && !/^(https?:|mailto:|data:image\\/(webp|png|jpeg);|\\/(?!\\/)|#)/i.test(value))
      found.push(`${name}=${value}`);
    if (name === 'src' && new URL(value, location).origin !== location.origin) found.push(`src=${value}`);
  }
  return found;
}
"""
"""The elements and attributes that no page of ours has."""


def texts(sink: str) -> tuple[str, ...]:
    """Every payload, numbered from 1, its network address that of ``sink``."""
    return tuple(
        text.replace("@N@", str(number)).replace("@SINK@", sink) for number, text in enumerate(_TEXTS, 1)
    )
