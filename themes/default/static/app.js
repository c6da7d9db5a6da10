/* Small behaviours on top of pages that already work without them. No inline handlers, no eval (CSP). */
(function () {
  'use strict';
  var root = document.documentElement, body = document.body;
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };
  var keep = function (key, value) { try { localStorage.setItem(key, value); } catch (refused) { /* storage is off: the choice lasts for this page */ } };
  var wide = window.matchMedia('(min-width:1101px)');

  /* How pages look is kept with the person; a visitor's choice stays in this browser. */
  function prefer(name, value) {
    var token = document.querySelector('input[name=_csrf_token]');
    if (!token || !root.dataset.theme) { keep('mq-' + name, value); return; }
    fetch('/preferences', { method: 'POST', credentials: 'same-origin', headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-requested-with': 'fetch' }, body: '_csrf_token=' + encodeURIComponent(token.value) + '&' + name + '=' + value });
  }

  function look(name, value) {
    if (name === 'density') root.dataset.density = value;
    if (name === 'theme') {
      if (root.dataset.theme) root.dataset.theme = value;
      var night = value === 'system' ? window.matchMedia('(prefers-color-scheme:dark)').matches : value === 'dark';
      root.setAttribute('data-bs-theme', night ? 'dark' : 'light');
      document.dispatchEvent(new CustomEvent('mq:theme'));
    }
    all('[data-looks] button[name=' + name + ']').forEach(function (one) { one.setAttribute('aria-pressed', String(one.value === value)); });
    prefer(name, value);
  }
  document.addEventListener('mq:look', function (event) { look(event.detail.name, event.detail.value); });

  function toggleSide() {
    if (wide.matches) {
      prefer('sidebar', root.classList.toggle('side-collapsed') ? 'collapsed' : 'open');
      return;
    }
    var open = root.classList.toggle('side-open');
    all('.side-toggle').forEach(function (one) { one.setAttribute('aria-expanded', String(open)); });
    var target = open ? document.querySelector('.side-close') : document.querySelector('.side-toggle');
    if (target) target.focus();
  }

  function toggleTheme() { look('theme', root.getAttribute('data-bs-theme') === 'dark' ? 'light' : 'dark'); }

  function copy(button) {
    var done = function () {
      button.classList.add('done');
      button.setAttribute('aria-label', body.dataset.copied || 'Copied');
      setTimeout(function () { button.classList.remove('done'); }, 1600);
    };
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(button.dataset.copy).then(done);
      return;
    }
    var area = document.createElement('textarea');
    area.value = button.dataset.copy;
    body.appendChild(area);
    area.select();
    if (document.execCommand('copy')) done();
    area.remove();
  }

  function reveal(button) {
    var field = document.getElementById(button.dataset.reveal), shown = field.type === 'text';
    field.type = shown ? 'password' : 'text';
    button.setAttribute('aria-pressed', String(!shown));
    button.textContent = shown ? button.dataset.show : button.dataset.hide;
  }

  function fill(button) {
    var field = document.getElementById(button.dataset.fill);
    field.value = button.dataset.value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    all('[data-fill="' + button.dataset.fill + '"]').forEach(function (one) { one.setAttribute('aria-pressed', String(one === button)); });
  }

  var actions = {
    side: toggleSide, theme: toggleTheme, copy: copy, reveal: reveal, fill: fill,
    dialog: function (button) { var dialog = document.getElementById(button.dataset.dialog); if (dialog && dialog.showModal) dialog.showModal(); },
    close: function (button) { button.closest('dialog').close(); },
    dismiss: function (button) { button.closest('[data-toast]').remove(); }
  };
  document.addEventListener('click', function (event) {
    var names = Object.keys(actions);
    for (var at = 0; at < names.length; at += 1) {
      var button = event.target.closest('button[data-' + names[at] + ']');
      if (button) { actions[names[at]](button); return; }
    }
    if (event.target.tagName === 'DIALOG') { event.target.close(); return; }
    all('details[data-menu][open]').forEach(function (menu) { if (!menu.contains(event.target)) menu.open = false; });
    var row = event.target.closest('tr[data-href]');
    if (row && !event.target.closest('a,button,input,select,label,form') && !String(window.getSelection())) window.location.assign(row.dataset.href);
  });

  document.addEventListener('keydown', function (event) {
    if (event.key === 'Escape') {
      if (root.classList.contains('side-open')) toggleSide();
      all('details[data-menu][open]').forEach(function (menu) { menu.open = false; menu.querySelector('summary').focus(); });
    }
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    var search = document.querySelector('[data-slash]');
    if (event.key === '/' && !typing && search) { event.preventDefault(); search.focus(); }
  });

  /* In a list that has the focus: up and down (or k and j) go from row to row, [ and ] from page to page. */
  function step(event) {
    var list = event.target.closest && event.target.closest('[data-rows]');
    if (!list || event.ctrlKey || event.metaKey || event.altKey) return;
    var way = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (way) {
      var links = all('tbody tr', list).map(function (row) { return row.querySelector('a'); }).filter(Boolean);
      var row = event.target.closest('tbody tr'), at = row ? links.indexOf(row.querySelector('a')) : (way > 0 ? -1 : links.length);
      var next = links[at + way];
      if (next) { event.preventDefault(); next.focus(); }
      return;
    }
    var page = { '[': 'prev', ']': 'next' }[event.key], link = page && list.parentNode.querySelector('a[rel=' + page + ']');
    if (link) { event.preventDefault(); link.click(); }
  }
  document.addEventListener('keydown', step);

  /* A size as the page's language writes it, in Latin digits. */
  function size(bytes) {
    var large = bytes >= 1048576, shown = { style: 'unit', unit: large ? 'megabyte' : 'kilobyte', maximumFractionDigits: large ? 1 : 0 };
    return new Intl.NumberFormat(root.lang + '-u-nu-latn', shown).format(large ? bytes / 1048576 : Math.max(1, bytes / 1024));
  }

  function showFile(input) {
    var drop = input.closest('[data-file]'), file = input.files[0];
    if (!drop) return;
    var picture = drop.querySelector('[data-file-preview]');
    drop.classList.toggle('has', Boolean(file));
    if (!file) return;
    [['name', file.name], ['hint', size(file.size)]].forEach(function (told) {
      var place = drop.querySelector('[data-file-' + told[0] + ']');
      place.textContent = told[1];
      place.translate = false;
    });
    picture.hidden = true;
    if (/^image\/(png|jpeg|webp)$/.test(file.type)) {
      var reader = new FileReader();
      reader.onload = function () { picture.src = reader.result; picture.hidden = false; };
      reader.readAsDataURL(file);
    }
  }

  document.addEventListener('change', function (event) {
    var target = event.target;
    if (target.type === 'file') showFile(target);
    if (target.dataset.colourFor) document.getElementById(target.dataset.colourFor).value = target.value;
    var form = target.closest('form[data-autosubmit]');
    if (form && target.type !== 'search') form.requestSubmit();
  });

  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (form.matches('[data-looks]') && event.submitter) { event.preventDefault(); look(event.submitter.name, event.submitter.value); return; }
    if (form.method === 'get') {
      all('input,select', form).forEach(function (field) { if (field.name && !field.value) field.disabled = true; });
      return;
    }
    if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 4000) { event.preventDefault(); return; }
    form.dataset.sent = String(Date.now());
  });
  window.addEventListener('pageshow', function () {
    all('form').forEach(function (form) { delete form.dataset.sent; });
    all('form[method=get] :disabled').forEach(function (field) { field.disabled = false; });
  });

  /* How long a quoted rate still holds; the server decides, this only says so. */
  all('[data-left]').forEach(function (line) {
    var shown = line.querySelector('[data-left-seconds]'), over = document.querySelector('[data-left-over]');
    var end = Date.now() + Number(line.dataset.left) * 1000;
    var tick = setInterval(function () {
      var left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      if (shown) shown.textContent = String(left);
      if (left) return;
      clearInterval(tick);
      line.hidden = true;
      if (over) over.hidden = false;
    }, 500);
  });

  var wrong = document.querySelector('[aria-invalid=true]') || document.querySelector('[data-focus]');
  if (wrong) wrong.focus();
  all('[data-toast]').forEach(function (toast) { if (!toast.classList.contains('negative')) setTimeout(function () { toast.remove(); }, 6000); });
  /* A tab that is out of sight comes into it; the observer knows after the layout, asking at once would force one. */
  if (window.IntersectionObserver) all('.tabs [aria-current]').forEach(function (tab) {
    new IntersectionObserver(function (seen, watch) {
      watch.disconnect();
      if (seen[0].intersectionRatio < 1) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }, { root: tab.closest('.tabs') }).observe(tab);
  });
})();
