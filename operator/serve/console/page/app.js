import { byId, element, say, timeOfDay } from './dom.js';
import { fleetPage } from './fleet.js';
import { servicePage } from './service.js';
import { keepToken, Refused } from './views.js';

const everyMs = 10_000;
/** What is on the screen, and how to end it. */
let shown = { stop() {}, look() {} };

/** `#/`: the fleet; `#/ai`: of one namespace; `#/ai/generation`: one service. */
function routeOf(hash) {
  const [namespace = '', name = ''] = hash
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => decodeURIComponent(part));
  return { namespace, name };
}

function show() {
  shown.stop();
  const { namespace, name } = routeOf(location.hash);
  const page = name === '' ? fleetPage(namespace) : servicePage(namespace, name);
  document.title = name === '' ? 'genops' : `${name} · genops`;
  say(byId('where'), [namespace, name].filter((part) => part !== '').join(' / '));
  byId('home').setAttribute('aria-current', name === '' ? 'page' : 'false');
  byId('content').replaceChildren(page.node);
  shown = follow(page);
}

/** Looks every ten seconds, but only while somebody can see it. */
function follow(page) {
  const ended = new AbortController();
  let timer = 0;
  let isLooking = false;
  const look = async () => {
    clearTimeout(timer);
    if (isLooking || document.hidden || ended.signal.aborted) return;
    isLooking = true;
    const goesOn = await lookOnce(page, ended.signal);
    isLooking = false;
    if (goesOn && !ended.signal.aborted) timer = setTimeout(() => void look(), everyMs);
  };
  void look();
  return {
    look,
    stop() {
      clearTimeout(timer);
      ended.abort();
      page.close();
    },
  };
}

/** @returns Whether to look again by itself: without a right to look only a person can go on. */
async function lookOnce(page, signal) {
  try {
    const observedAt = await page.update(signal);
    if (!signal.aborted) freshness('good', `as of ${timeOfDay(Date.parse(observedAt))}`);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    freshness('bad', `not up to date: ${error.message}`);
    if (!(error instanceof Refused) || (error.status !== 401 && error.status !== 403)) return true;
    ask(error.message);
    return false;
  }
}

function freshness(state, words) {
  byId('freshness').className = state;
  say(byId('freshness'), words);
}

function ask(why) {
  say(byId('ask-why'), why);
  byId('namespace').value = routeOf(location.hash).namespace;
  if (!byId('ask').open) byId('ask').showModal();
}

byId('ask-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const { namespace, name } = routeOf(location.hash);
  const [token, wanted] = [byId('token').value.trim(), byId('namespace').value.trim()];
  if (token !== '') keepToken(token);
  byId('token').value = '';
  byId('ask').close();
  const next = wanted === namespace && name !== '' ? location.hash : `#/${encodeURIComponent(wanted)}`;
  if (next === location.hash) show();
  else location.hash = next;
});
// Closed without an answer: the way back to the question stays on the screen.
byId('ask').addEventListener('cancel', () => {
  const again = element('button', { type: 'button' }, 'Give a token');
  again.addEventListener('click', () => ask(''));
  byId('content').replaceChildren(element('p', {}, again));
});
addEventListener('hashchange', () => {
  show();
  scrollTo(0, 0);
  byId('content').focus({ preventScroll: true });
});
document.addEventListener('visibilitychange', () => shown.look());
show();
