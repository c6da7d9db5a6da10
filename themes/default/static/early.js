/* Runs before the first paint: the reader's choice of dark or light, and the mark that scripts run. */
(function () {
  var root = document.documentElement, chosen = null;
  root.classList.add('js');
  try { chosen = localStorage.getItem('mq-theme'); } catch (refused) { chosen = null; }
  if (chosen === 'dark' || chosen === 'light') root.setAttribute('data-bs-theme', chosen);
  try { if (localStorage.getItem('mq-side') === 'collapsed') root.classList.add('side-collapsed'); } catch (refused) { /* storage is off: the default stays */ }
})();
