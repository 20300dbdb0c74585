import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Histogram } from 'prom-client';
import { parse } from 'yaml';
import { dashboard, expressionsOf } from '../../../../hack/generate/dashboard.ts';
import { createCacheMetrics } from '../../../../operator/telemetry/cache-metrics.ts';
import { createDatabaseMetrics } from '../../../../operator/telemetry/database-metrics.ts';
import { collectProcessMetrics, createMetrics } from '../../../../operator/telemetry/metrics.ts';
import { createObjectiveGauges } from '../../../../operator/telemetry/objective-gauges.ts';
import { createServiceGauges } from '../../../../operator/telemetry/service-gauges.ts';
import { conditions } from '../../../../operator/api/reasons.ts';
import { objectiveNames } from '../../../../operator/api/status.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}
const { groups } = parse(readFileSync('config/monitoring/rules.yaml', 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const { templating, panels } = dashboard();
const expressions = [...rules.map(({ expr }) => expr), ...expressionsOf(dashboard())];

/** Every series that the operator serves, with its labels; `namespace`, `pod` and `instance` come from whoever scrapes. */
function served(): ReadonlyMap<string, ReadonlySet<string>> {
  const metrics = createMetrics();
  const { registry } = metrics;
  createServiceGauges(
    registry,
    () => [],
    () => undefined,
  );
  createObjectiveGauges(registry, () => []);
  createCacheMetrics(registry, () => []);
  createDatabaseMetrics(registry, () => []);
  collectProcessMetrics(metrics);
  const all = new Map<string, ReadonlySet<string>>();
  for (const metric of registry.getMetricsAsArray()) {
    const { name, labelNames } = metric as unknown as { readonly name: string; readonly labelNames: readonly string[] }; // prom-client types them as their JSON
    const own = new Set([...labelNames, 'namespace', 'pod', 'instance']);
    if (!(metric instanceof Histogram)) all.set(name, own);
    else for (const part of ['bucket', 'sum', 'count']) all.set(`${name}_${part}`, own.union(new Set(['le'])));
  }
  registry.clear();
  return all;
}
const known = served();
const metricPattern = /\b(?:genops|process|nodejs)_\w+/g;
/** Names of functions, words of the language and numbers with a unit fall out by not standing where a label stands. */
const labelsOf = (expr: string): readonly string[] => [
  ...[...expr.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label ?? ''),
  ...[...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(/\s*,\s*/),
  ),
];

test.each([...new Set(expressions)])('%s asks only for what is served', (expr) => {
  const metrics = expr.match(metricPattern) ?? [];
  expect(metrics.length).toBeGreaterThan(0);
  expect(metrics.filter((name) => !known.has(name))).toEqual([]);
  const labels = metrics.map((name) => known.get(name) ?? new Set<string>());
  expect(labelsOf(expr).filter((label) => !labels.some((of) => of.has(label)))).toEqual([]);
});

test.each([...new Set(expressions)])('%s asks for values that labels can have', (expr) => {
  const valuesOf = (label: string): readonly string[] =>
    [...expr.matchAll(new RegExp(`\\b${label}=~?"([^"]*)"`, 'g'))].flatMap(([, text = '']) => text.split('|'));
  expect(valuesOf('type').filter((type) => !(type in conditions))).toEqual([]);
  expect(valuesOf('status').filter((status) => !['True', 'False', 'Unknown'].includes(status))).toEqual([]);
  expect(valuesOf('objective').filter((name) => !(objectiveNames as readonly string[]).includes(name))).toEqual([]);
  expect(valuesOf('window').filter((window) => !['5m', '30m', '1h', '6h', '3d'].includes(window))).toEqual([]);
  expect(valuesOf('result').filter((result) => result !== 'error')).toEqual([]);
});

describe('each alert', () => {
  const anchors = new Set(
    [...readFileSync('docs/runbook.md', 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    ),
  );
  test.each(rules)('$alert says what is seen, what to do next, and where to read on', ({ alert, annotations }) => {
    expect(Object.keys(annotations).toSorted()).toEqual(['description', 'runbook_url', 'summary']);
    expect(annotations['runbook_url']).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    expect(anchors).toContain(alert.toLowerCase());
    expect(annotations['description']).toMatch(/kubectl|genops |dashboard/);
  });

  test.each(rules)('$alert names only labels that its result has', ({ expr, annotations }) => {
    const kept = new Set([...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/\s*,\s*/)));
    const named = Object.values(annotations).flatMap((text) =>
      [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label),
    );
    expect(named.filter((label) => !kept.has(label))).toEqual([]);
  });
});

describe('the dashboard', () => {
  test('has no panel twice and none over another', () => {
    const ids = panels.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
    const cells = panels.flatMap((panel) => {
      const { x, y, w, h } = panel['gridPos'] as Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)}/${y + Math.floor(cell / w)}`);
    });
    expect(cells.length).toBe(new Set(cells).size);
  });

  test('shows every metric that the operator has of its own', () => {
    const shown = new Set(expressions.flatMap((expr) => expr.match(metricPattern) ?? []));
    const bare = (name: string): string => name.replace(/_(?:bucket|sum|count)$/, '');
    const seen = new Set([...shown].map(bare));
    const own = [...known.keys()].filter((name) => name.startsWith('genops_')).map(bare);
    expect([...new Set(own)].filter((name) => !seen.has(name))).toEqual([]);
  });

  test('its variables are those that its expressions use', () => {
    const used = new Set(
      JSON.stringify(panels)
        .match(/\$\{?(?!__)\w+/g)
        ?.map((text) => text.replace(/\W/g, '')),
    );
    expect([...used].toSorted()).toEqual(templating.list.map(({ name }) => name).toSorted());
    for (const { query } of templating.list)
      for (const name of query.match(metricPattern) ?? []) expect(known.has(name)).toBe(true);
  });
});
