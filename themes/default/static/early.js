/* Runs before the first paint: dark or light, and the mark that scripts run. Whoever is signed in has
   their choice in the page; a visitor's lies in this browser. */
(function () {
  'use strict';
  var root = document.documentElement, dark = window.matchMedia('(prefers-color-scheme:dark)'), chosen = root.dataset.theme;
  root.classList.add('js');
  if (!chosen) { try { chosen = localStorage.getItem('mq-theme'); } catch (refused) { chosen = null; } }
  function follow() {
    if (root.dataset.theme !== 'system') return;
    root.setAttribute('data-bs-theme', dark.matches ? 'dark' : 'light');
    document.dispatchEvent(new CustomEvent('mq:theme'));
  }
  if (chosen === 'dark' || chosen === 'light') root.setAttribute('data-bs-theme', chosen);
  follow();
  if (dark.addEventListener) dark.addEventListener('change', follow);
})();
