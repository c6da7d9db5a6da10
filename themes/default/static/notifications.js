/* The page of notifications: this browser takes pushes, or no longer does. Asked for by a button only. */
(function () {
  'use strict';
  var box = document.querySelector('[data-push]');
  if (!box) return;
  var on = box.querySelector('[data-push-on]'), off = box.querySelector('[data-push-off]'), says = box.querySelector('[data-push-says]');
  var say = function (text) { says.textContent = text || ''; };
  function show(state) {
    on.hidden = state !== 'off';
    off.hidden = state !== 'on';
    box.dataset.state = state;
  }
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) {
    show('none');
    say(box.dataset.none);
    return;
  }
  function bytes(text) {
    var raw = atob(text.replace(/-/g, '+').replace(/_/g, '/')), made = new Uint8Array(raw.length);
    for (var at = 0; at < raw.length; at += 1) made[at] = raw.charCodeAt(at);
    return made;
  }
  function send(path, fields) {
    var form = new FormData();
    Object.keys(fields).forEach(function (name) { form.append(name, fields[name]); });
    return fetch(path, { method: 'POST', body: form, headers: { 'x-csrftoken': box.dataset.token, accept: 'application/json' } }).then(function (answer) {
      return answer.json().then(function (body) { if (!answer.ok) throw new Error(body.detail); return body.detail; });
    });
  }
  function registration() { return navigator.serviceWorker.register('/sw.js', { scope: '/' }).then(function () { return navigator.serviceWorker.ready; }); }
  function state() {
    if (Notification.permission === 'denied') { show('none'); say(box.dataset.denied); return; }
    registration().then(function (found) { return found.pushManager.getSubscription(); }).then(function (known) {
      show(known && box.dataset.browsers !== '0' ? 'on' : 'off');
    }).catch(function () { show('none'); say(box.dataset.none); });
  }
  on.addEventListener('click', function () {
    say('');
    Notification.requestPermission().then(function (answer) {
      if (answer !== 'granted') { say(box.dataset.denied); return null; }
      return registration().then(function (found) {
        return found.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(box.dataset.key) });
      }).then(function (made) {
        var keys = made.toJSON().keys;
        return send('/notifications/push', { endpoint: made.endpoint, p256dh: keys.p256dh, auth: keys.auth });
      }).then(function (text) { box.dataset.browsers = '1'; show('on'); say(text); });
    }).catch(function (error) { say(error.name === 'Error' && error.message || box.dataset.failed); });
  });
  off.addEventListener('click', function () {
    registration().then(function (found) { return found.pushManager.getSubscription(); }).then(function (known) {
      var endpoint = known ? known.endpoint : '';
      return (known ? known.unsubscribe() : Promise.resolve()).then(function () { return send('/notifications/push/remove', { endpoint: endpoint }); });
    }).then(function (text) { show('off'); say(text); }).catch(function () { say(box.dataset.failed); });
  });
  state();
})();
