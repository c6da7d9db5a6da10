/* Staff pages: results below the search field while somebody types, all commands under Ctrl K or
   Cmd K, the keys themselves under ?. Everything here is reachable by links without it. */
(function () {
  'use strict';
  var mac = /Mac|iPhone|iPad/.test(navigator.platform), meta = mac ? '⌘' : 'Ctrl';
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };

  function get(address, then) {
    return fetch(address, { credentials: 'same-origin', headers: { 'x-requested-with': 'fetch' } }).then(function (answer) {
      if (!answer.ok || answer.redirected) throw new Error('no list');
      return answer.text();
    }).then(then).catch(function () { /* the form and the navigation still work */ });
  }

  /* Moves the chosen one of a list; the field keeps the focus and names it. */
  function chooser(field, box, pick) {
    var at = -1;
    function options() { return all('[role=option]:not([hidden]):not([aria-disabled])', box); }
    function mark(next) {
      var found = options();
      all('[role=option][aria-selected=true]', box).forEach(function (one) { one.setAttribute('aria-selected', 'false'); });
      at = found.length ? (next + found.length) % found.length : -1;
      if (at < 0) { field.removeAttribute('aria-activedescendant'); return; }
      var one = found[at];
      if (!one.id) one.id = box.id + '-' + Math.random().toString(36).slice(2, 8);
      one.setAttribute('aria-selected', 'true');
      one.scrollIntoView({ block: 'nearest' });
      field.setAttribute('aria-activedescendant', one.id);
    }
    return {
      none: function () { at = -1; field.removeAttribute('aria-activedescendant'); },
      first: function () { mark(0); },
      chosen: function () { return at < 0 ? null : options()[at] || null; },
      key: function (event) {
        var count = options().length;
        if (event.key === 'ArrowDown') { event.preventDefault(); mark(at + 1); return true; }
        if (event.key === 'ArrowUp') { event.preventDefault(); mark(at < 0 ? count - 1 : at - 1); return true; }
        if (event.key === 'Home' && at >= 0) { event.preventDefault(); mark(0); return true; }
        if (event.key === 'End' && at >= 0) { event.preventDefault(); mark(count - 1); return true; }
        if (event.key === 'Enter' && at >= 0) { event.preventDefault(); pick(options()[at]); return true; }
        return false;
      }
    };
  }

  function follow(option) {
    if (option.dataset.look) {
      document.dispatchEvent(new CustomEvent('mq:look', { detail: { name: option.dataset.look, value: option.dataset.value } }));
      close();
      return;
    }
    if (option.hasAttribute('data-keys')) { close(); keys(); return; }
    if (option.href) window.location.assign(option.href);
  }

  /* ---------- the field in the top bar */
  var form = document.querySelector('[data-find]');
  if (form) (function () {
    var field = form.querySelector('input[type=search]'), pop = form.querySelector('[data-found]'), timer = 0, asked = 0;
    var list = chooser(field, pop, follow);
    function show(open) {
      pop.hidden = !open;
      field.setAttribute('aria-expanded', String(open));
      if (!open) list.none();
    }
    function ask() {
      var typed = field.value.trim(), mine = asked += 1;
      if (typed.length < 2) { show(false); pop.textContent = ''; return; }
      get('/search/suggest?box=gs&q=' + encodeURIComponent(typed), function (html) {
        if (mine !== asked || document.activeElement !== field) return;
        pop.innerHTML = html;
        list.none();
        show(true);
      });
    }
    field.addEventListener('input', function () { clearTimeout(timer); timer = setTimeout(ask, 160); });
    field.addEventListener('focus', function () { if (pop.textContent.trim() && field.value.trim().length > 1) show(true); });
    field.addEventListener('keydown', function (event) {
      if (event.key === 'Escape' && !pop.hidden) { event.preventDefault(); event.stopPropagation(); show(false); return; }
      if (pop.hidden && event.key === 'ArrowDown' && field.value.trim().length > 1) { event.preventDefault(); ask(); return; }
      if (!pop.hidden) list.key(event);
    });
    document.addEventListener('click', function (event) { if (!form.contains(event.target)) show(false); });
    form.addEventListener('focusout', function (event) { if (event.relatedTarget && !form.contains(event.relatedTarget)) show(false); });
  })();

  /* ---------- the dialog of all commands */
  var dialog = null, input = null, places = null, results = null, choose = null, timer = 0, asked = 0, before = null;
  function make(name, label) {
    var made = document.createElement('dialog');
    made.className = name;
    made.setAttribute('aria-label', label);
    document.body.appendChild(made);
    made.addEventListener('close', function () { if (before && before.isConnected) before.focus(); before = null; });
    return made;
  }
  function build() {
    dialog = make('pal', 'Commands');
    dialog.id = 'pal';
    dialog.innerHTML = '<div class="pal-top"><input class="bare" type="text" role="combobox" aria-expanded="true" aria-controls="pal-list" aria-autocomplete="list" aria-label="Command or search" placeholder="Go to, do, or find" autocomplete="off" maxlength="80" spellcheck="false"><kbd class="kbd">Esc</kbd></div><div class="pal-list" id="pal-list" role="listbox" aria-label="Commands and results"><div data-places></div><div data-results></div><p class="sg-none t13 ink3" data-nothing hidden>No command and no record begins so.</p></div>';
    input = dialog.querySelector('input');
    places = dialog.querySelector('[data-places]');
    results = dialog.querySelector('[data-results]');
    choose = chooser(input, dialog.querySelector('.pal-list'), follow);
    input.addEventListener('input', function () { sift(); clearTimeout(timer); timer = setTimeout(search, 160); });
    input.addEventListener('keydown', choose.key);
    dialog.addEventListener('click', function (event) {
      var option = event.target.closest('button[role=option]');
      if (option) { event.preventDefault(); follow(option); }
    });
    get('/palette', function (html) { places.innerHTML = html; sift(); });
  }
  /* Each word typed must begin a word of the command. */
  function sift() {
    var words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    all('[role=option]', places).forEach(function (one) {
      var parts = one.textContent.toLowerCase().split(/[\s-]+/);
      one.hidden = !words.every(function (word) { return parts.some(function (part) { return part.indexOf(word) === 0; }); });
    });
    all('[role=group]', places).forEach(function (group) { group.hidden = !group.querySelector('[role=option]:not([hidden])'); });
    tell();
    choose.first();
  }
  function tell() {
    dialog.querySelector('[data-nothing]').hidden = Boolean(dialog.querySelector('[role=option]:not([hidden])'));
  }
  function search() {
    var typed = input.value.trim(), mine = asked += 1;
    if (typed.length < 2 || !form) { results.textContent = ''; tell(); return; }
    get('/search/suggest?box=pal&q=' + encodeURIComponent(typed), function (html) {
      if (mine !== asked) return;
      var made = document.createElement('div');
      made.innerHTML = html;
      results.replaceChildren.apply(results, all('[role=group],.sg-all', made));
      tell();
      if (!choose.chosen()) choose.first();
    });
  }
  function open() {
    if (!dialog) build();
    if (dialog.open) { close(); return; }
    before = document.activeElement;
    input.value = '';
    results.textContent = '';
    dialog.showModal();
    input.focus();
    sift();
  }
  function close() { if (dialog && dialog.open) dialog.close(); }

  /* ---------- the keys */
  var help = null;
  var SHOWN = [[meta + ' K', 'All commands and places'], ['/', 'Search'], ['?', 'These keys'], ['Esc', 'Close, go back to where you were'], ['↑ ↓ or K J', 'From row to row in a list'], ['Enter', 'Open the row, run the command'], ['[ ]', 'Previous and next page of a list']];
  function keys() {
    if (!help) {
      help = make('confirm keys', 'Keyboard shortcuts');
      help.innerHTML = '<div class="row- between"><h2>Keyboard shortcuts</h2><button class="btn btn-quiet btn-icon-" type="button" data-close aria-label="Close">×</button></div><dl class="keys-list">' + SHOWN.map(function (one) { return '<dt>' + one[0].split(' ').map(function (key) { return key === 'or' ? 'or' : '<kbd class="kbd">' + key + '</kbd>'; }).join(' ') + '</dt><dd>' + one[1] + '</dd>'; }).join('') + '</dl>';
    }
    before = before || document.activeElement;
    if (!help.open) help.showModal();
  }

  all('[data-palette]').forEach(function (button) {
    button.hidden = false;
    button.title = 'Commands (' + meta + ' K)';
    button.addEventListener('click', open);
  });
  document.addEventListener('keydown', function (event) {
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') { event.preventDefault(); open(); return; }
    if (event.key === '?' && !typing && !document.querySelector('dialog[open]')) { event.preventDefault(); keys(); }
  });
})();
