/** In the tab's own memory: gone when it is closed, and never in a cookie, an address or a log. */
const tokenKey = 'genops-token';

export const keepToken = (token) => sessionStorage.setItem(tokenKey, token);

/** The operator refused, or could not be asked. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * One view as JSON. Paths are relative: behind `genops console` everything lies below a path that nobody can guess.
 *
 * @throws {Refused} with what the operator said.
 */
export async function view(path, signal) {
  const token = sessionStorage.getItem(tokenKey);
  const headers = token === null || token === '' ? {} : { authorization: `Bearer ${token}` };
  const answer = await ask(path, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(9_000)]) }, signal);
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw new Refused(answer.status, body.message ?? `the operator answered ${answer.status}`);
}

async function ask(path, options, signal) {
  try {
    return await fetch(path, { ...options, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Refused(0, 'no answer of the operator: is it running, and the port still forwarded?');
  }
}
