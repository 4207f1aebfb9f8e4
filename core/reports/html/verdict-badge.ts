import type { Verdict } from '../../domain/run-result.ts';
import { markup, type Markup } from './escape-html.ts';

/** A sign beside the word, so that colour is never the only difference. */
const signs: { readonly [V in Verdict]: string } = { pass: '✓', fail: '✕', inconclusive: '?', error: '!' };

export function renderBadge(verdict: Verdict): Markup {
  return markup`<span class="badge ${verdict}"
    ><span aria-hidden="true">${signs[verdict]}</span>${verdict}</span
  >`;
}
