/* The service worker; the server puts MARQUE (version, offline, icon, name) before it. It keeps what
   has a version in its address and the offline page, never a page about somebody, nothing of a POST. */
'use strict';
const CACHE = 'marque-' + MARQUE.version;
const OFFLINE = '/offline';
const KEPT = /^\/(static\/|theme\.css$|favicon\.svg$|brand\/|app-icon\/)/;

self.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const page = await fetch(MARQUE.offline, { credentials: 'omit', cache: 'no-store' });
    if (!page.ok) throw new Error('the offline page is not there');
    await (await caches.open(CACHE)).put(OFFLINE, page);
    await self.skipWaiting();
  })());
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith('marque-') && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    if (self.registration.navigationPreload) await self.registration.navigationPreload.enable();
    await self.clients.claim();
  })());
});

async function navigate(event) {
  try {
    return (await event.preloadResponse) || (await fetch(event.request));
  } catch (unreachable) {
    return (await (await caches.open(CACHE)).match(OFFLINE)) || Response.error();
  }
}

async function kept(request) {
  const cache = await caches.open(CACHE), found = await cache.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok && answer.type === 'basic') await cache.put(request, answer.clone());
  return answer;
}

self.addEventListener('fetch', (event) => {
  const request = event.request, url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') event.respondWith(navigate(event));
  else if (url.searchParams.has('v') && KEPT.test(url.pathname)) event.respondWith(kept(request));
});

self.addEventListener('push', (event) => {
  let told = {};
  try { told = event.data.json(); } catch (unreadable) { told = {}; }
  event.waitUntil(self.registration.showNotification(String(told.title || MARQUE.name), {
    tag: String(told.tag || 'marque'), lang: told.lang || '', dir: told.dir === 'rtl' ? 'rtl' : 'ltr',
    icon: MARQUE.icon, badge: MARQUE.icon, data: { href: String(told.href || OFFLINE) }
  }));
});

/* A click leads to a path of this host, whatever was pushed. */
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  let target = new URL('/notifications', self.location.origin);
  try {
    const wanted = new URL(event.notification.data.href, self.location.origin);
    if (wanted.origin === self.location.origin) target = wanted;
  } catch (unusable) { /* the list will do */ }
  event.waitUntil((async () => {
    const windows = await self.clients.matchAll({ type: 'window' });
    for (const one of windows) {
      if ('navigate' in one) { await one.focus(); await one.navigate(target.href); return; }
    }
    await self.clients.openWindow(target.href);
  })());
});
