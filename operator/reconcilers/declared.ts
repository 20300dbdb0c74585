import { annotations } from '../api/annotations.ts';
import type { Resolved } from '../decide/resolve.ts';

/** Whether a policy or an override says anything of a section. */
export function isDeclared({ service: { spec }, declared }: Resolved, section: string): boolean {
  return declared.has(section) || spec.components.some(({ overrides = {} }) => Object.hasOwn(overrides, section));
}

/** What somebody said and nobody acts on, for the message of Ready. */
export function ignoredFields(resolved: Resolved): readonly string[] {
  const approves = resolved.service.metadata.annotations?.[annotations.approve] !== undefined;
  return approves && !isDeclared(resolved, 'optimizer') ? [`the annotation ${annotations.approve}`] : [];
}
