/** It brings no types. Of what it gives, what its pages without TYPE lines give: each name is a family of its own. */
declare module 'parse-prometheus-text-format' {
  interface Family {
    readonly name: string;
    readonly metrics: readonly { readonly value: string; readonly labels?: Readonly<Record<string, string>> }[];
  }
  /** @throws Error at the first line that is none. */
  export default function parsePrometheusTextFormat(text: string): readonly Family[];
}
