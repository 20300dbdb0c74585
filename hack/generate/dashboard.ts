import { good, rows, type PanelSpec, type Query } from './dashboard-rows.ts';

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  readonly [other: string]: unknown;
}
export interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
  readonly [other: string]: unknown;
}

const datasource = { type: 'prometheus', uid: '${datasource}' };

/** The Grafana dashboard: all services, one of them, and the operator itself. */
export function dashboard(): Dashboard {
  const panels: Panel[] = [];
  let y = 0;
  for (const { title, panels: specs } of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title, collapsed: false, gridPos: { h: 1, w: 24, x: 0, y } });
    y += 1;
    let x = 0;
    let height = 0;
    for (const spec of specs) {
      if (x + spec.width > 24) {
        y += height;
        [x, height] = [0, 0];
      }
      const h = spec.type === 'stat' ? 4 : 8;
      panels.push(panelOf(spec, panels.length + 1, { h, w: spec.width, x, y }));
      x += spec.width;
      height = Math.max(height, h);
    }
    y += height;
  }
  return {
    title: 'genops',
    uid: 'genops',
    tags: ['genops'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: variables },
    panels,
  };
}

const variables = [
  { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
  variable('namespace', 'label_values(genops_condition, namespace)'),
  variable('service', 'label_values(genops_condition{namespace="$namespace"}, name)'),
];

function variable(name: string, query: string) {
  return { name, type: 'query', datasource, query, refresh: 2, sort: 1 };
}

function panelOf(
  { type, title, says, queries, unit = 'short', thresholds }: PanelSpec,
  id: number,
  gridPos: object,
): Panel {
  const isTable = type === 'table';
  const steps = (thresholds ?? [good]).map(({ from, color }, n) => ({ color, value: n === 0 ? null : from }));
  return {
    id,
    type,
    title,
    description: says,
    gridPos,
    datasource,
    targets: queries.map(({ expr, legend = '__auto' }, n) => ({
      refId: String.fromCharCode(65 + n),
      expr,
      ...(isTable ? { instant: true, format: 'table' } : { legendFormat: legend }),
      ...(type === 'stat' || type === 'bargauge' ? { instant: true } : {}),
    })),
    fieldConfig: {
      defaults: { unit, thresholds: { mode: 'absolute', steps }, ...mappingsOf(type) },
      overrides: queries.some(({ legend = '' }) => bound.test(legend)) ? [dashed] : [],
    },
    ...(isTable ? { transformations: merged(queries) } : {}),
  };
}

/** What the conditions' query makes numbers of. */
const mappingsOf = (type: PanelSpec['type']): object => {
  if (type !== 'state-timeline') return {};
  const said = { 0: ['False', 'red'], 1: ['True', 'green'], 2: ['Unknown', 'orange'] };
  const options = Object.entries(said).map(([value, [text, color]], index) => [value, { text, color, index }]);
  return { mappings: [{ type: 'value', options: Object.fromEntries(options) }] };
};

/** What a figure is held against: its line is dashed. */
const bound = / (?:target|limit)$/;
const dashed = {
  matcher: { id: 'byRegexp', options: String(bound) },
  properties: [{ id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } }],
};

/** One line for each service; a column for each query, named by its legend. */
const merged = (queries: readonly Query[]): readonly object[] => [
  { id: 'merge', options: {} },
  {
    id: 'organize',
    options: {
      excludeByName: { Time: true },
      renameByName: Object.fromEntries(
        queries.map(({ legend }, n) => [`Value #${String.fromCharCode(65 + n)}`, legend]),
      ),
    },
  },
];

export const expressionsOf = ({ panels }: Dashboard): readonly string[] =>
  panels.flatMap(({ targets }) => targets?.map(({ expr }) => expr) ?? []);
