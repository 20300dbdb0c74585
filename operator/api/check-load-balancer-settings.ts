import { Ajv, type ValidateFunction } from 'ajv';
import { LoadBalancerSettings } from './load-balancer-settings.ts';
import { problemMessage } from './problem.ts';

export type CheckedSettings =
  | { readonly kind: 'valid'; readonly settings: LoadBalancerSettings }
  | { readonly kind: 'invalid'; readonly message: string };

let compiled: ValidateFunction<LoadBalancerSettings> | undefined;
const validator = (): ValidateFunction<LoadBalancerSettings> =>
  (compiled ??= new Ajv({ strict: false, code: { optimize: false } }).compile<LoadBalancerSettings>(
    LoadBalancerSettings,
  ));

/** Settings as somebody wrote them into a ConfigMap or a file: they are taken whole or not at all, and what is taken has no other meaning to nginx than ours. */
export function checkLoadBalancerSettings(text: string): CheckedSettings {
  const value = parsed(text);
  if (value === undefined)
    return invalid('no JSON', 'settings as docs/reference/load-balancer-settings.schema.json has them');
  const validate = validator();
  if (!validate(value)) {
    const [error] = validate.errors ?? [];
    const field = (error?.instancePath ?? '').replaceAll('/', '.');
    return invalid(`settings.json${field}`, `a value that ${error?.message?.slice(0, 300) ?? ''}`);
  }
  const known = new Set(value.upstreams.map(({ name }) => name));
  const lost = value.routes.find(({ upstream }) => !known.has(upstream));
  if (lost !== undefined) return invalid(`route ${lost.path} to ${lost.upstream}`, `one of ${[...known].join(', ')}`);
  if (value.listen.http === value.listen.https) return invalid(`port ${value.listen.http} twice`, 'two ports');
  return { kind: 'valid', settings: value };
}

const invalid = (saw: string, wanted: string): CheckedSettings => ({
  kind: 'invalid',
  message: problemMessage({ saw, wanted }),
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // it is said
  }
}
