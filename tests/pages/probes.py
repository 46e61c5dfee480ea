"""What a browser is asked about a page, in its own language: each answers with what is wrong, or a number."""

SPACING = """
* {line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important}
p {margin-block-end: 2em !important}"""
"""WCAG 2.2, 1.4.12."""

ADOPT = """style => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [sheet];
}"""

SHIFT = """new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value })
    .observe({type: 'layout-shift', buffered: true});
  setTimeout(() => done(sum), 600);
})"""

CLIPPED = """[...document.querySelectorAll('body *')].filter(one => {
  const style = getComputedStyle(one);
  return style.overflow !== 'visible' && !one.matches('.unseen, .share span, img')
    && (one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1);
}).map(one => one.className || one.tagName)"""

SMALL = """[...document.querySelectorAll('a')].filter(one => !one.closest('.skip, .article-body > p, li > p'))
.map(one => [one.className || one.textContent.trim(), one.getBoundingClientRect()])
.filter(([, box]) => box.width < 24 || box.height < 24).map(([name, box]) => [name, box.width, box.height])"""

OVERLAPPING = """(() => {
  const blocks = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    let one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || one.closest('script, .skip, .unseen')) continue;
    if (!one.checkVisibility()) continue;
    while (getComputedStyle(one).display === 'inline') one = one.parentElement;
    blocks.add(one);
  }
  const boxes = [...blocks].map(one => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width > 1);
  return boxes.flatMap(([one, a], at) => boxes.slice(at + 1)
    .filter(([other, b]) => !one.contains(other) && !other.contains(one)
      && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
    .map(([other]) => `${one.tagName}.${one.className} on ${other.tagName}.${other.className}`));
})()"""
"""Blocks of text that lie on one another; neither inside the other."""

UNMARKED = """[...document.querySelectorAll('img')]
.filter(one => !['width', 'height', 'alt'].every(name => one.hasAttribute(name))).map(one => one.outerHTML)"""

FOCUS = """(() => {
  const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
  const across = box.width > 0 && box.right > 0 && box.left < innerWidth;
  const seen = across && box.bottom > 0 && box.top < innerHeight;
  return {name: one.className || one.textContent.trim() || one.tagName, body: one === document.body,
    seen: seen && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0};
})()"""
