// Keep the page fresh. Everything here is a comfort: without it the pages say the same, once.
'use strict';

const root = document.documentElement;
root.classList.add('js');

// Ages, each second.
const age = (seconds) => {
  if (seconds < 1) return 'just now';
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} days ago`;
};
const tick = () => {
  for (const time of document.querySelectorAll('time[data-ms]')) {
    const text = age(Math.floor((Date.now() - Number(time.dataset.ms)) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
};
setInterval(tick, 1000);
tick();

// Copy a full text.
const copy = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'unseen';
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
};
document.addEventListener('click', async (event) => {
  const button = event.target.closest('button.copy');
  if (!button) return;
  await copy(button.dataset.copy);
  button.classList.add('copied');
  setTimeout(() => button.classList.remove('copied'), 1200);
});

// What is new in a part: rows by their keys, edges by what moved over them.
const keys = (part) => new Map([...part.querySelectorAll('[data-key]')].map((row) => [row.dataset.key, row]));
const mark = (before, after) => {
  const old = keys(before);
  if (old.size === 0) return;
  for (const [key, row] of keys(after)) {
    const was = old.get(key);
    if (!was) row.classList.add('fresh');
    else if (was.dataset.pulse !== row.dataset.pulse) row.classList.add('pulse');
  }
};

// Ages and fresh rows differ by themselves: they are no reason to replace a part.
const still = (part) => part.innerHTML.replace(/<time[^>]*>[^<]*/g, '').replace(/ class="(fresh|pulse)"| (fresh|pulse)(?=")/g, '');

let busy = false;
let again = false;
const refresh = async () => {
  if (busy || document.hidden) {
    again = true;
    return;
  }
  busy = true;
  again = false;
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = page.getElementById(part.id);
      if (!next || still(next) === still(part) || part.contains(document.activeElement)) continue;
      mark(part, next);
      part.replaceChildren(...next.childNodes);
    }
    tick();
  } catch {
    // The node is away: the stream says when it is back.
  } finally {
    setTimeout(() => {
      busy = false;
      if (again) refresh();
    }, 300);
  }
};
document.addEventListener('visibilitychange', () => {
  if (again && !document.hidden) refresh();
});

// News of the ledgers that the page shows.
const sign = document.querySelector('footer .live');
for (const url of (document.body.dataset.events || '').split(' ').filter(Boolean)) {
  const stream = new EventSource(url);
  stream.onopen = () => {
    if (sign) sign.hidden = false;
    refresh();
  };
  stream.onerror = () => {
    if (sign) sign.hidden = true;
  };
  stream.onmessage = refresh;
}
