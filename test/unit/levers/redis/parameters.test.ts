import { describe, expect, test } from '@jest/globals';
import {
  canonicalName,
  isSettable,
  meansSame,
  render,
  serverNames,
} from '../../../../operator/levers/redis/parameters.ts';

describe('isSettable()', () => {
  test.each([
    'maxmemory',
    'maxmemory-policy',
    'maxmemory-samples',
    'save',
    'hash-max-ziplist-value',
    'client-output-buffer-limit',
    'io-threads',
    'lazyfree-lazy-eviction',
    'replica-ignore-maxmemory',
  ])('lets %s be set', (name) => expect(isSettable(name)).toBe(true));

  test.each([
    ['dir', 'files can be written with it'],
    ['dbfilename', 'files can be written with it'],
    ['logfile', 'files can be written with it'],
    ['appendfilename', 'files can be written with it'],
    ['appendonly', 'durability'],
    ['requirepass', 'locks everybody out'],
    ['masterauth', 'access'],
    ['primaryauth', 'Valkey’s name of masterauth'],
    ['user', 'access'],
    ['aclfile', 'access'],
    ['acllog-max-len', 'all that starts with acl'],
    ['bind', 'access'],
    ['bind-source-addr', 'access'],
    ['protected-mode', 'access'],
    ['port', 'access'],
    ['tls-port', 'access'],
    ['unixsocketperm', 'access'],
    ['loadmodule', 'runs code'],
    ['enable-debug-command', 'access'],
    ['enable-protected-configs', 'access'],
    ['lua-enable-insecure-api', 'runs code'],
    ['replicaof', 'roles'],
    ['slaveof', 'the old name of replicaof'],
    ['replica-read-only', 'roles'],
    ['slave-read-only', 'the old name of replica-read-only'],
    ['replica-announce-ip', 'roles'],
    ['slave-announce-ip', 'roles'],
    ['min-replicas-to-write', 'roles'],
    ['min-slaves-to-write', 'the old name of min-replicas-to-write'],
    ['cluster-enabled', 'roles'],
    ['oom-score-adj-values', 'the machine'],
    ['notify-keyspace-events', 'the application’s'],
    ['import-mode', 'data'],
    ['max*', 'a pattern: CONFIG GET would answer with others'],
    ['MAXMEMORY', 'not lower case, and so past the list'],
    ['a b', 'no name'],
    ['', 'no name'],
  ])('refuses %j (%s)', (name) => expect(isSettable(name)).toBe(false));
});

describe('names', () => {
  test.each([
    ['hash-max-ziplist-entries', 'hash-max-listpack-entries'],
    ['list-max-ziplist-size', 'list-max-listpack-size'],
    ['slave-priority', 'replica-priority'],
    ['lua-time-limit', 'busy-reply-threshold'],
    ['tcp-keepalive', 'tcp-keepalive'],
  ])('%s is %s', (name, canonical) => {
    expect(canonicalName(name)).toBe(canonical);
    expect(serverNames(canonical)).toEqual(name === canonical ? [name] : [canonical, name]);
  });
});

describe('meansSame()', () => {
  test.each([
    ['maxmemory', '1gb', '1073741824', true],
    ['maxmemory', '1Gi', '1073741824', true],
    ['maxmemory', '1g', '1000000000', true],
    ['maxmemory', '1g', '1073741824', false],
    ['tcp-keepalive', '300', '0300', true],
    ['list-max-listpack-size', '-2', '-2', true],
    ['list-max-listpack-size', '-2', '2', false],
    ['appendfsync', 'EverySec', 'everysec', true],
    ['maxmemory-clients', '5%', '5%', true],
    ['save', '900 1 300 10', '300 10 900 1', true],
    ['save', '900  1', '900 1', true],
    ['save', '', '', true],
    ['save', '', '900 1', false],
    ['save', '900 1', '900 1 300 10', false],
    [
      'client-output-buffer-limit',
      'pubsub 32mb 8mb 60',
      'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
      true,
    ],
    [
      'client-output-buffer-limit',
      'replica 256mb 64mb 60',
      'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
      true,
    ],
    [
      'client-output-buffer-limit',
      'replica 256mb 64mb 61',
      'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
      false,
    ],
  ])('%s: %j and %j: %s', (name, wanted, actual, same) => expect(meansSame(name, wanted, actual)).toBe(same));
});

describe('render()', () => {
  test.each([
    ['a size as plain bytes, since Redis reads 1g as 10^9', 'repl-backlog-size', '1Gi', '1048576', '1073741824'],
    ['no number where the server has none', 'proc-title-template', '1k', '{title}', '1k'],
    ['one blank between save points', 'save', ' 900  1 300 10 ', '', '900 1 300 10'],
    ['no save points', 'save', '', '900 1', ''],
    [
      'the classes that are wanted',
      'client-output-buffer-limit',
      'slave 1mb 1mb 60',
      'normal 0 0 0',
      'replica 1048576 1048576 60',
    ],
  ])('gives %s', (_, name, wanted, actual, sent) => expect(render(name, wanted, actual)).toBe(sent));

  test.each([
    ['save', '900', 'an odd number of figures'],
    ['save', '900 x', 'a word'],
    ['save', '0 1', 'no time at all'],
    ['repl-backlog-size', '20000000000gb', 'a size that would wrap around silently'],
    ['hash-max-listpack-entries', '512\nrequirepass x', 'a second line, which a file of another operator would have'],
    ['proc-title-template', '{title}\u0000', 'a NUL'],
  ])('throws for %s %j (%s)', (name, wanted) => expect(() => render(name, wanted, '1')).toThrow(RangeError));
});
