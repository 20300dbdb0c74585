import type { TSchema } from 'typebox';
import { property, type Rule } from '../../operator/api/schema.ts';

/** A TypeBox schema as the generators read it: plain JSON Schema, our words, and the marks beside them. */
export interface SchemaNode {
  /** The word for its type in the reference. */
  readonly title?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly format?: string;
  readonly default?: unknown;
  readonly rules?: readonly Rule[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly '~orElse'?: unknown;
  readonly '~example'?: string;
}

export const nodeOf = (schema: TSchema): SchemaNode => schema;

/** The figure that holds when a field is left out: its own, or the one that the struct around it gives. */
export const figureOf = (name: string, field: SchemaNode, around: unknown): unknown =>
  field['~orElse'] ?? property(around, name);
