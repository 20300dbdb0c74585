import { describe, expect, test } from '@jest/globals';
import { adminHeaders, adminSignature, type AdminRequest } from '../../../operator/api/admin-request.ts';
import { createAdmin } from '../../../operator/runtime/admin.ts';

const key = 'a secret of sixteen or more';
const now = Date.UTC(2026, 0, 1);
const seconds = now / 1_000;
const path = '/genops/actions/count';

function counting() {
  let count = 0;
  let clock = now - 3_600_000; // when the process began
  const admin = createAdmin({
    key,
    pod: 'workflow-0',
    now: () => clock,
    actions: { count: () => (count += 1), echo: (body) => body, fail: () => Promise.reject(new Error('broken')) },
  });
  clock = now;
  const good = {
    method: 'POST',
    path,
    time: String(seconds),
    nonce: 'nonce-0123456789',
    pod: 'workflow-0',
    body: '',
  };
  const ask = (changes: Partial<AdminRequest> = {}, signed: Partial<AdminRequest> & { readonly key?: string } = {}) => {
    const sent = { ...good, ...changes };
    const { key: own = key, ...other } = signed;
    const signature = adminSignature(own, { ...sent, ...other });
    const headers = {
      [adminHeaders.time]: sent.time,
      [adminHeaders.nonce]: sent.nonce,
      [adminHeaders.pod]: sent.pod,
      [adminHeaders.signature]: signature,
    };
    return admin.answer({ method: sent.method, path: sent.path, headers, body: sent.body });
  };
  return {
    admin,
    ask,
    get count() {
      return count;
    },
  };
}

describe('createAdmin()', () => {
  test('does what is asked for with the secret, and says what came of it', async () => {
    const { ask } = counting();
    expect(await ask()).toEqual({ status: 200, body: { result: 1 } });
    expect(await ask({ path: '/genops/actions/fail', nonce: 'another-nonce-16' })).toEqual({
      status: 500,
      body: { error: 'broken' },
    });
  });

  test('hands over the body, which is signed too', async () => {
    const { ask } = counting();
    const echo = { path: '/genops/actions/echo', body: '{"io":3}' };
    expect(await ask(echo)).toEqual({ status: 200, body: { result: '{"io":3}' } });
    expect(await ask(echo, { body: '{"io":4}' })).toMatchObject({
      status: 401,
      body: { error: expect.stringContaining('not signed') },
    });
  });

  test('refuses what was asked of the process before this one', async () => {
    const begun = createAdmin({ key, pod: 'workflow-0', now: () => now, actions: { count: () => 1 } });
    const asked = {
      method: 'POST',
      path,
      time: String(seconds - 1),
      nonce: 'nonce-0123456789',
      pod: 'workflow-0',
      body: '',
    };
    const headers = {
      [adminHeaders.time]: asked.time,
      [adminHeaders.nonce]: asked.nonce,
      [adminHeaders.pod]: asked.pod,
      [adminHeaders.signature]: adminSignature(key, asked),
    };
    expect(await begun.answer({ ...asked, headers })).toMatchObject({
      status: 401,
      body: { error: 'signed before this process began' },
    });
  });

  test.each<{ name: string; changes?: Partial<AdminRequest>; signed?: object; status: number; says: string }>([
    { name: 'another secret', signed: { key: 'a secret of somebody else' }, status: 401, says: 'not signed' },
    {
      name: 'a signature of another action',
      signed: { path: '/genops/actions/fail' },
      status: 401,
      says: 'not signed',
    },
    { name: 'a signature of another method', signed: { method: 'GET' }, status: 401, says: 'not signed' },
    { name: 'a signature of another time', signed: { time: '1' }, status: 401, says: 'not signed' },
    { name: 'a signature of another nonce', signed: { nonce: 'another-nonce-16' }, status: 401, says: 'not signed' },
    { name: 'a signature for another Pod', signed: { pod: 'workflow-1' }, status: 401, says: 'not signed' },
    {
      name: 'what is meant for another Pod',
      changes: { pod: 'workflow-1' },
      status: 401,
      says: 'meant for Pod workflow-1; this is workflow-0',
    },
    { name: 'a time 61 s ago', changes: { time: String(seconds - 61) }, status: 401, says: 'another time' },
    { name: 'a time in 61 s', changes: { time: String(seconds + 61) }, status: 401, says: 'another time' },
    { name: 'no time', changes: { time: '' }, status: 401, says: 'another time' },
    { name: 'a nonce that is short', changes: { nonce: 'short' }, status: 401, says: 'nonce' },
    {
      name: 'an action that is not there',
      changes: { path: '/genops/actions/toString' },
      status: 404,
      says: 'count, echo, fail',
    },
    { name: 'GET', changes: { method: 'GET' }, status: 405, says: 'POST' },
  ])('refuses $name, and does nothing', async ({ changes, signed, status, says }) => {
    const world = counting();
    expect(await world.ask(changes, signed)).toMatchObject({ status, body: { error: expect.stringContaining(says) } });
    expect(world.count).toBe(0);
  });

  test.each([-60, 60])('takes a clock that is %s s off', async (off) => {
    expect(await counting().ask({ time: String(seconds + off) })).toMatchObject({ status: 200 });
  });

  test('refuses what was sent before', async () => {
    const world = counting();
    await world.ask();
    expect(await world.ask()).toEqual({ status: 401, body: { error: 'sent before' } });
    expect(world.count).toBe(1);
  });

  test('refuses what has no signature at all, and does not say which actions there are', async () => {
    const { admin } = counting();
    const { status, body } = await admin.answer({ method: 'POST', path, headers: {}, body: '' });
    expect(status).toBe(401);
    expect(JSON.stringify(body)).not.toContain('count');
  });

  test('has no secret that can be guessed', () => {
    expect(() => createAdmin({ key: 'short', actions: {} })).toThrow('saw a key of 5 characters; wanted at least 16');
    expect(() => createAdmin({ key: undefined, actions: {} })).toThrow('saw no key; wanted at least 16');
  });
});
