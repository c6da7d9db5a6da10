/* Passkeys, and what recovery codes need. Options and answers travel in forms; nothing is fetched. */
(function () {
  'use strict';
  var all = function (selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); };
  var show = function (element) { element.hidden = false; };

  function bytes(text) {
    var plain = atob(text.replace(/-/g, '+').replace(/_/g, '/')), made = new Uint8Array(plain.length);
    for (var at = 0; at < plain.length; at += 1) made[at] = plain.charCodeAt(at);
    return made.buffer;
  }

  function text(buffer) {
    var plain = '';
    new Uint8Array(buffer).forEach(function (one) { plain += String.fromCharCode(one); });
    return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  }

  function readable(options) {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    (options.allowCredentials || []).concat(options.excludeCredentials || []).forEach(function (one) { one.id = bytes(one.id); });
    return options;
  }

  function written(credential) {
    var answer = credential.response, response = { clientDataJSON: text(answer.clientDataJSON) };
    if (answer.attestationObject) {
      response.attestationObject = text(answer.attestationObject);
      response.transports = answer.getTransports ? answer.getTransports() : [];
    } else {
      response.authenticatorData = text(answer.authenticatorData);
      response.signature = text(answer.signature);
      if (answer.userHandle) response.userHandle = text(answer.userHandle);
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response: response, clientExtensionResults: credential.getClientExtensionResults() });
  }

  function ask(form) {
    var error = form.querySelector('[data-passkey-error]'), button = form.querySelector('button[type=submit]');
    var options = { publicKey: readable(JSON.parse(form.dataset.options)) };
    error.hidden = true;
    button.disabled = true;
    navigator.credentials[form.dataset.passkey](options).then(function (credential) {
      form.elements.credential.value = written(credential);
      form.submit();
    }).catch(function () {
      button.disabled = false;
      error.textContent = form.dataset.refused;
      show(error);
    });
  }

  if (window.PublicKeyCredential && navigator.credentials) {
    all('form[data-passkey], [data-passkey-or]').forEach(show);
    all('form[data-passkey]').forEach(function (form) {
      form.addEventListener('submit', function (event) {
        event.preventDefault();
        ask(form);
      });
    });
  } else {
    all('[data-no-passkey]').forEach(show);
  }
  all('[data-print]').forEach(function (button) {
    show(button);
    button.addEventListener('click', function () { window.print(); });
  });
}());
