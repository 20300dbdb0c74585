import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { PerformancePolicy } from '../../../operator/api/performance-policy.ts';
import { validate } from '../../../operator/api/validate.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';

const folder = join(import.meta.dirname, '../../../config/samples');
const files = readdirSync(folder).filter((file) => /^(policy|generationservice)/.test(file));
/** YAML 1.1, as kubectl reads it: there a bare Off is false. */
const read = (file: string): unknown => parse(readFileSync(join(folder, file), 'utf8'), { version: '1.1' });

test.each(files)('%s is valid as it stands', (file) => {
  expect(validate(read(file))).toMatchObject({ kind: 'valid' });
});

describe('the policy guide', () => {
  const { spec } = read('policy-guide.yaml') as PerformancePolicy;
  const { policy, origins, problems } = effectivePolicy({ policy: { name: 'guide', spec } });
  const defaults = effectivePolicy({});

  test('is the defaults, with resources and vertical switched to Enforce', () => {
    expect(problems).toEqual([]);
    expect(policy).toEqual({
      ...defaults.policy,
      resources: { ...defaults.policy.resources, mode: 'Enforce' },
      vertical: { ...defaults.policy.vertical, mode: 'Enforce' },
    });
  });

  test('writes out every value but the modes and methods of single entries', () => {
    const unsaid = [...origins].filter(([, origin]) => origin === 'default').map(([path]) => path);
    expect(unsaid.filter((path) => !/\]\.(mode|schema|method|unique)$/.test(path))).toEqual([]);
  });
});
