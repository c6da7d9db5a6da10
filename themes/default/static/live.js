/* For whoever is signed in: notifications as they come, the worker of the installed app, its installation. */
(function () {
  'use strict';
  var me = document.currentScript, texts = me.dataset, source = null, last = '', failed = 0, hiding = 0;
  var all = function (selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); };

  /* ---- the bell */
  function count(unread) {
    all('[data-bell]').forEach(function (bell) {
      var shown = bell.querySelector('[data-bell-count]'), text = unread > 99 ? '99+' : String(unread);
      shown.textContent = text;
      shown.hidden = unread === 0;
      bell.setAttribute('aria-label', unread ? bell.dataset.label + ', ' + text : bell.dataset.label);
    });
  }

  /* ---- toasts: at most three, read out politely, each a link to what it is about */
  var stack = document.querySelector('.toasts');
  if (!stack) {
    stack = document.createElement('div');
    stack.className = 'toasts';
    stack.setAttribute('role', 'status');
    document.body.appendChild(stack);
  }
  function symbol(name) {
    var drawn = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), use = document.createElementNS(drawn.namespaceURI, 'use');
    drawn.setAttribute('class', 'ic s18');
    drawn.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', '/static/vendor/icons.svg#' + name);
    drawn.appendChild(use);
    return drawn;
  }
  function toast(told) {
    var box = document.createElement('div'), words = document.createElement('a'), title = document.createElement('b'), close = document.createElement('button');
    box.className = 'toast- info';
    box.setAttribute('data-toast', '');
    words.className = 'grow toast-link';
    words.href = told.href;
    title.textContent = told.title;
    words.appendChild(title);
    if (told.body) words.appendChild(document.createTextNode(' ' + told.body));
    close.className = 'x';
    close.type = 'button';
    close.setAttribute('data-dismiss', '');
    close.setAttribute('aria-label', texts.dismiss);
    close.appendChild(symbol('x'));
    box.appendChild(symbol('bell'));
    box.appendChild(words);
    box.appendChild(close);
    while (stack.children.length > 2) stack.removeChild(stack.firstChild);
    stack.appendChild(box);
    setTimeout(function () { if (!box.matches(':hover,:focus-within')) box.remove(); }, 9000);
  }

  /* ---- parts of a page that know what they depend on are fetched anew, unless somebody works in them */
  function refresh(what) {
    var parts = all('[data-refresh]').filter(function (part) {
      var names = part.dataset.refresh.split(' ');
      return part.id && (names.indexOf(what) >= 0 || names.indexOf('any') >= 0) && !part.contains(document.activeElement);
    });
    if (!parts.length || document.querySelector('dialog[open]')) return;
    fetch(location.href, { headers: { accept: 'text/html' } }).then(function (answer) {
      return answer.ok ? answer.text() : '';
    }).then(function (html) {
      var page = new DOMParser().parseFromString(html, 'text/html');
      parts.forEach(function (part) {
        var fresh = page.getElementById(part.id);
        if (!fresh || !part.isConnected) return;
        part.replaceWith(document.adoptNode(fresh));
        if (window.htmx) window.htmx.process(fresh);
      });
    }).catch(function () { /* without a connection the page stays as it is */ });
  }

  /* ---- the stream: open while somebody looks */
  function open() {
    if (source || document.hidden) return;
    source = new EventSource('/events' + (last ? '?after=' + last : ''));
    source.addEventListener('open', function () { failed = 0; });
    source.addEventListener('unread', function (event) { count(JSON.parse(event.data).unread); });
    source.addEventListener('refresh', function (event) { refresh(JSON.parse(event.data).what); });
    source.addEventListener('notification', function (event) {
      var told = JSON.parse(event.data);
      last = event.lastEventId;
      count(told.unread);
      toast(told);
    });
    source.addEventListener('error', function () {
      if (!source || source.readyState !== EventSource.CLOSED) return;
      shut();
      failed += 1;
      if (failed < 5) setTimeout(open, 30000 * failed);
    });
  }
  function shut() { if (source) { source.close(); source = null; } }
  document.addEventListener('visibilitychange', function () {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(shut, 20000);
    else open();
  });
  window.addEventListener('pagehide', shut);
  window.addEventListener('pageshow', function (event) { if (event.persisted) open(); });

  /* ---- the installed app */
  var offer = null;
  window.addEventListener('beforeinstallprompt', function (event) {
    event.preventDefault();
    offer = event;
    all('[data-install]').forEach(function (one) { one.hidden = false; });
  });
  window.addEventListener('appinstalled', function () {
    all('[data-install]').forEach(function (one) { one.hidden = true; });
  });
  document.addEventListener('click', function (event) {
    if (offer && event.target.closest('[data-install]')) { offer.prompt(); offer = null; }
  });
  /* Whoever signs out on purpose gets no pushes on this device any more. */
  document.addEventListener('submit', function (event) {
    if (!/\/logout$/.test(event.target.getAttribute('action') || '') || !navigator.serviceWorker) return;
    navigator.serviceWorker.getRegistration().then(function (found) {
      return found && found.pushManager && found.pushManager.getSubscription();
    }).then(function (pushed) { return pushed && pushed.unsubscribe(); }).catch(function () { /* it ends when the service notices */ });
  });
  function later() {
    if (navigator.serviceWorker) navigator.serviceWorker.register('/sw.js', { scope: '/' }).catch(function () { /* pages work without it */ });
    open();
  }
  function idle() { (window.requestIdleCallback || setTimeout)(later); }
  if (document.readyState === 'complete') idle();
  else window.addEventListener('load', idle);
})();
