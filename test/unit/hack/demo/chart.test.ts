import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chart } from '../../../../hack/demo/chart.ts';
import { placed } from '../../../../hack/demo/event-strip.ts';
import { sheet } from '../../../../hack/demo/panel.ts';
import type { Mark } from '../../../../hack/demo/record.ts';
import { scale, smoothed, ticks } from '../../../../hack/demo/scale.ts';
import { area, element, stepped, text, through } from '../../../../hack/demo/svg.ts';
import { recording, sample, snapshot } from './recording.ts';

describe('chart()', () => {
  const drawn = chart(recording, { allHold: true });

  test('shows the three curves, their units, the counts and the events', () => {
    for (const words of [
      'requests/s',
      'Pods',
      'ms',
      '300 ms',
      'seconds of load',
      'floor (minReplicas)',
      'median of five seconds',
    ])
      expect(drawn).toContain(`>${words}</text>`);
    for (const words of ['Redis by hand: maxmemory-policy noeviction', 'repaired: maxmemory-policy allkeys-lru'])
      expect(drawn).toContain(`>${words}</text>`);
    expect(drawn.match(/font-weight="600" fill="#134e4a">\d+</g)?.map((hit) => hit.slice(-2, -1))).toEqual(['2', '7', '2']); // prettier-ignore
  });

  test('has its latency axis in the unit in which the peak is told', () => {
    const slow = recording.samples.map((one) => ({ ...one, p95Ms: 1800 }));
    const inSeconds = chart({ ...recording, samples: slow }, { allHold: true });
    for (const words of ['s', '0.5', '1.5', '1.8 s']) expect(inSeconds).toContain(`>${words}</text>`);
    expect(inSeconds).not.toContain('>ms</text>');
  });

  test('opens and closes every element, and has no figure that is none', () => {
    const open: string[] = [];
    for (const [, closing, name = ''] of drawn.matchAll(/<(\/?)([a-z]+)[^>]*>/g))
      if (closing === '/') expect(open.pop()).toBe(name);
      else open.push(name);
    expect(open).toEqual([]);
    expect(drawn).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('says so where not everything happened', () => {
    expect(drawn).not.toContain('Not everything');
    expect(chart(recording, { allHold: false })).toContain('Not everything');
  });

  test('can be drawn of nothing, and of seconds without an answer', () => {
    const silent = [sample(1, snapshot(0, { autoscaler: undefined }), { sent: 0, p95Ms: null })];
    for (const samples of [[], silent]) {
      const empty = chart({ ...recording, samples, marks: [] }, { allHold: false });
      expect(empty).not.toMatch(/NaN|undefined|Infinity/);
    }
  });
});

describe('placed()', () => {
  const x = scale([0, 100], [sheet.left, sheet.right]);
  const marksAt = fc
    .array(fc.record({ second: fc.integer({ min: 0, max: 100 }), text: fc.string({ minLength: 1, maxLength: 40 }) }))
    .map((all) => all.toSorted((a, b) => a.second - b.second).map((mark): Mark => ({ kind: 'Edited', ...mark })));

  test('no label touches another or leaves the sheet', () => {
    fc.assert(
      fc.property(marksAt, (marks) => {
        const labels = placed(marks, x);
        for (const [index, { left, width, row }] of labels.entries()) {
          expect(left).toBeGreaterThanOrEqual(sheet.left);
          expect(left + width).toBeLessThanOrEqual(sheet.right + 1e-9);
          for (const other of labels.slice(index + 1))
            if (other.row === row) expect(other.left).toBeGreaterThan(left + width);
        }
      }),
    );
  });
});

describe('scale.ts', () => {
  test('scale() maps both ends, and an empty range to its start', () => {
    const y = scale([0, 10], [100, 0]);
    expect([0, 5, 10].map(y)).toEqual([100, 50, 0]);
    expect(scale([3, 3], [7, 9])(3)).toBe(7);
  });
  test.each([
    [8, [0, 2, 4, 6, 8]],
    [9, [0, 5, 10]],
    [140, [0, 50, 100, 150]],
    [0.3, [0, 0.1, 0.2, 0.3]],
    [1000, [0, 500, 1000]],
  ])('ticks() up to %d are round', (most, expected) => expect(ticks(most, 4)).toEqual(expected));
  test('smoothed() takes the median of the neighbours and leaves out what is unknown', () => {
    expect(smoothed([1, 9, 2, null, 3], 1)).toEqual([9, 2, 9, 3, 3]);
    expect(smoothed([null], 2)).toEqual([null]);
  });
});

describe('svg.ts', () => {
  test('element() and text() escape what would be markup, and shorten figures', () => {
    expect(element('g', { x: 1.2345, title: '"<&' }, text([0, 1], 'a < b'))).toBe(
      '<g x="1.2" title="&quot;&lt;&amp;"><text x="0" y="1">a &lt; b</text></g>',
    );
  });
  test('stepped() holds each value until the next', () => {
    expect(through(stepped([[0, 5], [10, 8]]))).toBe('M0 5L10 5L10 8'); // prettier-ignore
  });
  test('area() closes on the base line, and is empty for no points', () => {
    expect(area([[0, 5], [10, 8]], 20)).toBe('M0 20L0 5L10 8L10 20Z'); // prettier-ignore
    expect(area([], 20)).toBe('');
  });
});
