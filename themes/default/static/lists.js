/* Lists: rows chosen by box or key, pages of the list loaded in place, rows that changed pulse. Works on top of pages that do all of it without. */
(function () {
  'use strict';
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };
  var one = function (selector) { return document.querySelector(selector); };
  var last = null, asked = null, shownAt = new Date();

  /* Choosing rows. */
  function boxes() { return all('[data-list] input[name=id]'); }
  function tell() {
    var form = document.getElementById('bulk'), head = one('[data-bulk-page]');
    if (!form) return;
    var found = boxes(), chosen = found.filter(function (box) { return box.checked; }).length, whole = form.elements.all;
    form.querySelector('[data-bulk-count]').textContent = (whole && whole.checked ? whole.nextElementSibling.textContent : chosen) + ' chosen';
    if (head) {
      head.hidden = false;
      head.checked = chosen > 0 && chosen === found.length;
      head.indeterminate = chosen > 0 && chosen < found.length;
    }
  }
  function choose(box, on, span) {
    var found = boxes(), to = found.indexOf(box), from = span && last ? found.indexOf(last) : to;
    if (from < 0) from = to;
    found.slice(Math.min(from, to), Math.max(from, to) + 1).forEach(function (each) { each.checked = on; });
    last = box;
    tell();
  }
  document.addEventListener('click', function (event) {
    var box = event.target;
    if (box.name === 'id' && box.closest('[data-list]')) choose(box, box.checked, event.shiftKey);
  });
  document.addEventListener('change', function (event) {
    var box = event.target;
    if (box.hasAttribute('data-bulk-page')) { boxes().forEach(function (each) { each.checked = box.checked; }); last = null; }
    if (box.closest('[data-list]')) tell();
  });
  document.addEventListener('reset', function (event) { if (event.target.id === 'bulk') setTimeout(function () { last = null; tell(); }); });
  document.addEventListener('keydown', function (event) {
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.name !== 'id') return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    var form = document.getElementById('bulk');
    if (event.key === 'Escape' && form && boxes().some(function (box) { return box.checked; })) { form.reset(); return; }
    if ((event.key === 'j' || event.key === 'k') && !event.target.closest('[data-rows]')) {
      var first = one('[data-rows] tbody tr a');
      if (first) { event.preventDefault(); event.stopImmediatePropagation(); first.focus(); }
      return;
    }
    var row = event.target.closest('[data-rows] tbody tr'), box = row && row.querySelector('input[name=id]');
    if (box && (event.key === 'x' || event.key === 'X')) { event.preventDefault(); choose(box, !box.checked, event.shiftKey); }
  }, true);

  /* Rows that are not what this tab saw before pulse once. */
  function pulse() {
    var key = 'mq-rows:' + location.pathname, seen = {}, before;
    try { before = JSON.parse(sessionStorage.getItem(key) || '{}'); } catch (refused) { return; }
    all('[data-rows] tbody tr').forEach(function (row) {
      var link = row.querySelector('a'), words = all('td', row).filter(function (cell) { return !cell.querySelector('time'); }).map(function (cell) { return cell.textContent.trim(); }).join('|');
      if (!link) return;
      var name = link.getAttribute('href');
      seen[name] = words;
      if (before[name] && before[name] !== words) row.classList.add('pulse');
    });
    try { sessionStorage.setItem(key, JSON.stringify(seen)); } catch (full) { /* no storage: nothing pulses */ }
  }

  /* Another page, order or filter of the same list comes in place: old rows stay, dimmed, until then. */
  function wait(on) {
    var list = one('[data-list]');
    if (!list) return;
    list.classList.toggle('loading', on);
    list.setAttribute('aria-busy', String(on));
  }
  function failed(address, reference) {
    var list = one('[data-list]'), old = one('[data-failed]'), note = document.createElement('div'), text = document.createElement('div'), again = document.createElement('button');
    if (old) old.remove();
    note.className = 'note n';
    note.setAttribute('role', 'alert');
    note.setAttribute('data-failed', '');
    text.className = 'grow';
    text.textContent = list.dataset.stale + ' ' + shownAt.toTimeString().slice(0, 5) + (reference ? ' · ' + reference : '');
    again.type = 'button';
    again.className = 'btn btn-line btn-sm';
    again.textContent = list.dataset.retry;
    again.addEventListener('click', function () { load(address, true); });
    note.appendChild(text);
    note.appendChild(again);
    list.parentNode.insertBefore(note, list);
  }
  function load(address, push) {
    var mine = asked = {};
    wait(true);
    fetch(address, { credentials: 'same-origin', headers: { accept: 'text/html' } }).then(function (answer) {
      var reference = answer.headers.get('x-request-id') || '';
      if (!answer.ok) throw Object.assign(new Error(answer.status), { reference: reference });
      return answer.text().then(function (text) {
        var page = new DOMParser().parseFromString(text, 'text/html'), content = page.getElementById('content');
        if (asked !== mine) return;
        if (!content || !content.querySelector('[data-list]')) { location.assign(address); return; }
        document.getElementById('content').replaceWith(document.importNode(content, true));
        document.title = page.title;
        shownAt = new Date();
        if (push) history.pushState({ list: true }, '', answer.url);
        pulse();
        tell();
        var focus = one('[data-rows]');
        if (focus) focus.focus({ preventScroll: true });
      });
    }).catch(function (error) {
      if (asked !== mine) return;
      wait(false);
      failed(address, error.reference);
    });
  }
  function same(address) { var url = new URL(address, location.href); return url.origin === location.origin && url.pathname === location.pathname; }
  document.addEventListener('click', function (event) {
    var link = event.target.closest && event.target.closest('#content a[href]');
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target || link.hash) return;
    if (!one('[data-list]') || !same(link.href) || /[?&]panel=/.test(link.search) || one('details.lp[open]')) return;
    event.preventDefault();
    load(link.href, true);
  });
  window.addEventListener('popstate', function () { if (one('[data-list]')) load(location.href, false); });
  if (!history.state) history.replaceState({ list: true }, '');
  pulse();
  tell();
})();
