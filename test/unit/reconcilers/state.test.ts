import { describe, expect, test } from '@jest/globals';
import type { Kube } from '../../../operator/kube/client.ts';
import type { ConfigMap } from '../../../operator/reconcilers/kinds.ts';
import { createStates, projectState, serversOf, type ServiceState } from '../../../operator/reconcilers/state.ts';
import { storedService } from '../../world/builders.ts';

const state: ServiceState = {
  version: 1,
  levers: {
    'redis/cache': { originals: { maxmemory: '0' }, serverRun: 'run', address: '10.0.0.7:6379' },
    'redis/off': { originals: { maxmemory: '0' } },
  },
};
const configMap = (text: string | undefined, metadata: Partial<ConfigMap['metadata']> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    namespace: 'ai',
    name: 'generation-genops-state',
    uid: 'map',
    resourceVersion: '7',
    creationTimestamp: '',
    ownerReferences: [{ apiVersion: '', kind: 'GenerationService', name: 'generation', uid: 'first' }],
    ...metadata,
  },
  ...(text === undefined ? {} : { data: { 'state.json': text } }),
});

describe('projectState()', () => {
  test('reads what was written, and whose it is', () => {
    expect(projectState(configMap(JSON.stringify(state), { finalizers: ['genops.dev/restore'] }))).toEqual({
      namespace: 'ai',
      resourceVersion: '7',
      serviceName: 'generation',
      service: 'first',
      state,
      isHeld: true,
    });
  });
  test.each([
    { name: 'no JSON', text: 'oops' },
    { name: 'nothing', text: undefined },
    { name: 'null', text: 'null' },
    { name: 'a later version', text: JSON.stringify({ ...state, version: 2 }) },
    { name: 'no levers', text: JSON.stringify({ version: 1 }) },
    { name: 'levers that are null', text: JSON.stringify({ version: 1, levers: null }) },
    { name: 'levers that are a list', text: JSON.stringify({ version: 1, levers: [] }) },
    { name: 'a unit that is null', text: JSON.stringify({ version: 1, levers: { 'redis/cache': null } }) },
  ])('takes $name for an empty state', ({ text }) => {
    const { state: read, isHeld } = projectState(configMap(text));
    expect({ read, isHeld }).toEqual({ read: { version: 1, levers: {} }, isHeld: false });
  });
});

describe('roll-ups', () => {
  const rollUps = { countedUntil: 1_700_000_000, minutes: {}, hours: { Memory: '23*3600 3400/200' } };
  const readOf = (kept: unknown) => projectState(configMap(JSON.stringify({ ...state, rollUps: kept }))).state;

  test('are read as they were written', () => {
    expect(readOf(rollUps)).toEqual({ ...state, rollUps });
  });
  test.each([
    { name: 'a word', kept: 'oops' },
    { name: 'null', kept: null },
    { name: 'no end', kept: { ...rollUps, countedUntil: null } },
    { name: 'buckets that are a number', kept: { ...rollUps, hours: { Memory: 3 } } },
    { name: 'no minutes', kept: { ...rollUps, minutes: undefined } },
  ])('that are $name are as if they were not there, and the rest is kept', ({ kept }) => {
    expect(readOf(kept)).toEqual(state);
  });
});

describe('what scalers ask for', () => {
  const scaler = { workflow: { floor: 4, lastScaledAt: 1_700_000_000_000 } };
  const readOf = (kept: unknown) => projectState(configMap(JSON.stringify({ ...state, scaler: kept }))).state;

  test('is read as it was written', () => {
    expect(readOf(scaler)).toEqual({ ...state, scaler });
  });
  test.each([
    { name: 'a word', kept: 'oops' },
    { name: 'null', kept: null },
    { name: 'no floor', kept: { workflow: { lastScaledAt: 1 } } },
    { name: 'half a replica', kept: { workflow: { ...scaler.workflow, floor: 2.5 } } },
    { name: 'a time that is a word', kept: { workflow: { ...scaler.workflow, lastScaledAt: 'now' } } },
  ])('that is $name is as if it were not there, and the rest is kept', ({ kept }) => {
    expect(readOf(kept)).toEqual(state);
  });
});

test('a server is found by its process and by its address; one that is not held by neither', () => {
  expect(serversOf(projectState(configMap(JSON.stringify(state))))).toEqual(['redis run', 'redis 10.0.0.7:6379']);
});

test('each of several servers of one unit is found', () => {
  const nodes = { 'a:1': { serverRun: 'run-a', address: 'a:1' }, 'b:1': { serverRun: 'run-b', address: 'b:1' } };
  const several = { ...state, levers: { 'redis/cache': { address: 'sentinel:2/mymaster', nodes } } };
  expect(serversOf(projectState(configMap(JSON.stringify(several))))).toEqual([
    'redis sentinel:2/mymaster',
    'redis run-a',
    'redis a:1',
    'redis run-b',
    'redis b:1',
  ]);
});

test('a server with nothing but indexes is held by no other lever', () => {
  const indexes = { ...state, levers: { 'postgresql-indexes/main': { address: 'a:1' } } };
  expect(serversOf(projectState(configMap(JSON.stringify(indexes))))).toEqual(['postgresql-indexes a:1']);
});

test('a service made again under the same name does not take over the state of the one before', () => {
  const view = projectState(configMap(JSON.stringify(state)));
  const states = createStates({} as Kube, { get: () => view, hasSeen: () => true });
  const service = (uid: string) => storedService({ metadata: { uid } });
  expect(states.of(service('first'))).toEqual(state);
  expect(states.of(service('second'))).toEqual({ version: 1, levers: {} });
});
