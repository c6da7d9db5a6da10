/* The brand studio: previews of what is typed, files sent as they are chosen, nothing lost by leaving. */
(function () {
  'use strict';
  var studio = document.querySelector('[data-studio]'), form = document.getElementById('studio');
  if (!studio || !form || !window.fetch) return;
  var here = studio.dataset.studio, figures = studio.querySelector('.bs-figs');
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };
  var token = '', frame = null, dirty = false, round = 0, timer = 0, slowTimer = 0;

  /* ---- sizes: pages are drawn at their own width and made small */
  function fit() {
    all('.bs-frame', figures).forEach(function (box) {
      var figure = box.parentNode, width = parseFloat(getComputedStyle(figure).getPropertyValue('--w'));
      if (box.clientWidth) figure.style.setProperty('--s', String(box.clientWidth / width));
    });
  }
  if (window.ResizeObserver) new ResizeObserver(fit).observe(figures);
  window.addEventListener('resize', fit);

  /* ---- addresses: language, mode and the token of what is typed */
  function address(part) {
    return here + '/preview/' + part + '?lang=' + figures.dataset.lang + '&mode=' + figures.dataset.mode + (token ? '&look=' + token : '');
  }
  function show(figure) {
    var page = figure.querySelector('iframe,img'), next = address(figure.dataset.part);
    figure.querySelector('figcaption a').href = next;
    if (!figure.hidden && page.getAttribute('src') !== next) page.setAttribute('src', next);
  }
  function showAll(slow) {
    all('.bs-fig', figures).forEach(function (figure) {
      if (figure.dataset.part !== 'pdf' || slow) show(figure);
    });
    fit();
  }
  function dress(css) {
    all('.bs-fig', figures).forEach(function (figure) {
      var page = figure.querySelector('iframe'), inner = page && page.contentDocument;
      var sheet = inner && inner.getElementById('mq-theme');
      figure.querySelector('figcaption a').href = address(figure.dataset.part);
      if (figure.dataset.part === 'mail' && page) { show(figure); return; }
      if (sheet) sheet.textContent = css;
    });
  }

  /* ---- what is typed goes to the server without its files and comes back as a token */
  function typed() {
    var data = new FormData(form);
    all('input[type=file]', form).forEach(function (field) { data.delete(field.name); });
    return data;
  }
  function later(wait) { clearTimeout(timer); timer = setTimeout(ask, wait); }
  function ask() {
    var mine = (round += 1), main = form.elements.main.value, accent = form.elements.accent.value;
    studio.setAttribute('aria-busy', 'true');
    fetch(here + '/check?main=' + encodeURIComponent(main) + '&accent=' + encodeURIComponent(accent), { credentials: 'same-origin' })
      .then(function (answer) { return answer.ok ? answer.text() : null; })
      .then(function (html) { if (html !== null && mine === round) document.getElementById('contrast').innerHTML = html; })
      .catch(function () { /* the form still works; the server checks again when it is sent */ });
    fetch(here + '/preview', { method: 'POST', body: typed(), credentials: 'same-origin' })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (kept) {
        if (!kept || mine !== round) return;
        token = kept.look;
        if (frame === kept.frame) dress(kept.css); else showAll(false);
        frame = kept.frame;
        clearTimeout(slowTimer);
        slowTimer = setTimeout(function () { showAll(true); }, 900);
      })
      .catch(function () { /* the previews stay as they were */ })
      .then(function () { if (mine === round) studio.removeAttribute('aria-busy'); });
  }
  function changed() {
    dirty = true;
    document.querySelector('[data-unsaved]').hidden = false;
  }
  form.addEventListener('input', function (event) {
    var field = event.target;
    if (field.type === 'file') return;
    if (field.dataset.colourFor) document.getElementById(field.dataset.colourFor).value = field.value;
    else if (field.id) all('[data-colour-for="' + field.id + '"]').forEach(function (pick) { if (/^#[0-9a-f]{6}$/i.test(field.value)) pick.value = field.value; });
    changed();
    later(250);
  });

  /* ---- files are sent as soon as they are chosen */
  form.addEventListener('change', function (event) {
    var field = event.target, picture = field.closest('[data-picture]');
    if (field.type !== 'file' || !picture || !field.files[0]) return;
    var said = picture.querySelector('.bs-wait'), kind = picture.dataset.picture, data = new FormData();
    data.append('_csrf_token', form.elements._csrf_token.value);
    data.append('file', field.files[0]);
    said.hidden = false;
    said.classList.remove('bad');
    said.textContent = 'Being drawn anew';
    fetch(here + '/uploads/' + kind, { method: 'POST', body: data, credentials: 'same-origin' })
      .then(function (answer) { return answer.json(); })
      .then(function (kept) {
        if (!kept.upload) { field.value = ''; throw new Error(kept.error || 'This file was not taken. Choose it again.'); }
        form.elements['upload_' + kind].value = kept.upload;
        field.value = '';
        said.textContent = 'Ready. It is kept with the draft.';
        if (kind === 'background') all('input[name=background]', form).forEach(function (one) { one.checked = one.value === 'picture'; });
        changed();
        ask();
      })
      .catch(function (refused) { said.classList.add('bad'); said.textContent = refused.message; });
  });

  /* ---- order: up and down move a row, numbers follow */
  form.addEventListener('click', function (event) {
    var button = event.target.closest('[data-move]');
    if (!button) return;
    var row = button.closest('li'), list = row.parentNode, up = button.dataset.move === 'up';
    var other = up ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    list.insertBefore(up ? row : other, up ? other : row);
    all('input[type=number]', list).forEach(function (place, at) { place.value = String(at + 1); });
    button.focus();
    changed();
    later(150);
  });

  /* ---- the bar above the previews turns them without leaving the page */
  studio.addEventListener('click', function (event) {
    var choice = event.target.closest('[data-set]');
    if (!choice || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    all('[data-set="' + choice.dataset.set + '"]', studio).forEach(function (one) { one.removeAttribute('aria-current'); });
    choice.setAttribute('aria-current', 'true');
    figures.dataset[choice.dataset.set] = choice.dataset.to;
    all('.bs-fig', figures).forEach(function (figure) {
      figure.hidden = figures.dataset.view !== 'all' && figures.dataset.view !== figure.dataset.part;
    });
    showAll(true);
  });

  /* ---- leaving with something typed asks first */
  window.addEventListener('beforeunload', function (event) { if (dirty) event.preventDefault(); });
  document.addEventListener('submit', function (event) { if (event.target === form) dirty = false; });
  if (form.querySelector('[aria-invalid=true]')) { changed(); ask(); }
  fit();
})();
