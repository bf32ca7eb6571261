(() => {
  'use strict';
  // The page is whole without this: it only hides what the reader does not ask for.
  document.documentElement.classList.add('js');
  const opened = [];

  function setUp(image) {
    const form = image.querySelector('.filters');
    if (!form) return;
    const rows = [...image.querySelectorAll('.f')].map(row => ({
      row,
      severity: row.dataset.s,
      layer: row.dataset.l,
      flags: row.dataset.f,
      group: row.closest('.g'),
      kind: row.closest('.kind'),
      text: null,
      shown: true,
    }));
    const groups = [...image.querySelectorAll('.kind .g')], kinds = [...image.querySelectorAll('.kind')];
    const search = form.querySelector('.text'), kind = form.querySelector('.bykind'), layer = form.querySelector('.bylayer');
    const severities = [...form.querySelectorAll('[name=severity]')], flags = [...form.querySelectorAll('[name=flag]')];
    const output = form.querySelector('output'), openAll = form.querySelector('.open');
    const suppressed = image.querySelector('.suppressed');

    // A row is found by its block's heading too; texts are gathered at the first search.
    const textOf = r => r.text ??= ((r.group ? r.group.firstElementChild.textContent + ' ' : '') + r.row.textContent).toLowerCase();

    function apply() {
      const levels = new Set(severities.filter(s => s.checked).map(s => s.value));
      const all = levels.size === severities.length;
      const asked = flags.filter(f => f.checked).map(f => f.value);
      const withSuppressed = asked.includes('s'), needed = asked.filter(f => f !== 's');
      const words = search.value.toLowerCase().split(/\s+/).filter(w => w.length > 0);
      const alive = new Set();
      let count = 0, of = 0;
      for (const r of rows) {
        const counts = withSuppressed || !r.flags.includes('s');
        const shown = counts && (all || levels.has(r.severity)) && (kind.value === '*' || r.kind.dataset.kind === kind.value || r.kind.dataset.kind === '*')
          && (!layer || layer.value === '*' || r.layer === layer.value) && needed.every(f => r.flags.includes(f)) && words.every(w => textOf(r).includes(w));
        if (counts) of++;
        if (shown) {
          count++;
          alive.add(r.group);
          alive.add(r.kind);
        }
        if (r.shown !== shown) r.row.hidden = !shown;
        r.shown = shown;
      }
      for (const part of [...groups, ...kinds]) part.hidden = !alive.has(part);
      if (suppressed && withSuppressed) suppressed.querySelector('.g').open = true;
      // What was searched for is to be seen, as long as it is not everything.
      if (words.length > 0 && count <= 200) for (const group of groups) if (!group.hidden) group.open = true;
      output.textContent = form.dataset.count.replace('{0}', count).replace('{1}', of);
    }

    let timer = 0;
    search.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(apply, 120); });
    form.addEventListener('change', apply);
    form.querySelector('.reset').addEventListener('click', () => {
      search.value = '';
      kind.value = '*';
      if (layer) layer.value = '*';
      for (const s of severities) s.checked = true;
      for (const f of flags) f.checked = false;
      apply();
    });
    openAll.addEventListener('click', () => {
      const open = openAll.textContent === form.dataset.open;
      for (const group of groups) if (!group.hidden) group.open = open;
      openAll.textContent = open ? form.dataset.close : form.dataset.open;
    });
    for (const link of image.querySelectorAll('a.layerlink'))
      link.addEventListener('click', event => {
        if (!layer || ![...layer.options].some(o => o.value === link.dataset.layer)) return;
        event.preventDefault();
        layer.value = link.dataset.layer;
        apply();
        form.scrollIntoView();
        layer.focus({ preventScroll: true });
      });
    form.hidden = false;
    apply();
  }

  for (const image of document.querySelectorAll('section.image')) setUp(image);

  // Older browsers print closed blocks closed; a report of thousands would become a book.
  addEventListener('beforeprint', () => {
    const closed = [...document.querySelectorAll('details:not([open])')];
    if (closed.length > 500) return;
    for (const block of closed) { block.open = true; opened.push(block); }
  });
  addEventListener('afterprint', () => { for (const block of opened.splice(0)) block.open = false; });
})();
