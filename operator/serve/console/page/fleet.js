import { age, badge, element, figure, say, stateOf, table, text } from './dom.js';
import { view } from './views.js';

const headings = ['Service', 'Ready', 'Metrics', 'Objectives', 'Grade', 'Replicas', 'Clamped', 'Mode', 'Age'];

/** Every service in a line. @param {string} namespace Empty: all of them. */
export function fleetPage(namespace) {
  const summary = element('p', { class: 'summary' }, 'Loading');
  const rows = element('div', { class: 'fills' });
  const node = element(
    'section',
    {},
    element('h1', {}, namespace === '' ? 'Services' : `Services in ${namespace}`),
    summary,
    rows,
  );
  return {
    node,
    async update(signal) {
      const query = namespace === '' ? '' : `?namespace=${encodeURIComponent(namespace)}`;
      const { services, observedAt } = await view(`generationservices${query}`, signal);
      say(summary, summaryOf(services));
      redraw(rows, services.length === 0 ? nothing() : table('Every service', headings, services.map(rowOf)));
      return observedAt;
    },
    close() {},
  };
}

function summaryOf(services) {
  const ready = services.filter((one) => one.ready === 'True').length;
  return services.length === 0 ? '' : `${ready} of ${services.length} ready`;
}

const nothing = () =>
  element('p', {}, 'No GenerationService here yet: kubectl explain gensvc.spec says how one is written.');

function rowOf(one) {
  const { namespace, name, ready, reason, metrics, objectivesMet, gradeSummary, replicas, clamped, mode, ageSeconds } =
    one;
  const href = `#/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
  return [
    element('a', { href }, `${namespace}/${name}`),
    badge(stateOf(ready), text(reason ?? ready)),
    badge(metrics === null ? 'unknown' : metrics === 'Fresh' ? 'good' : 'bad', text(metrics)),
    badge(objectivesState(objectivesMet), text(objectivesMet)),
    text(gradeSummary),
    figure(replicas),
    clamped.length === 0 ? text(null) : clamped.join(', '),
    mode,
    age(ageSeconds),
  ];
}

function objectivesState(met) {
  const [kept, all] = (met ?? '').split('/').map(Number);
  if (met === null || all === 0) return 'unknown';
  return kept === all ? 'good' : 'bad';
}

/** Only what differs is put in, and whoever was on a link there stays on it. */
function redraw(place, next) {
  if (place.firstElementChild?.isEqualNode(next)) return;
  const at = place.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  place.replaceChildren(next);
  if (at !== null) [...place.querySelectorAll('a')].find((link) => link.getAttribute('href') === at)?.focus();
}
