import type { TensorError } from '../../domain/report.ts';
import { markup, type Markup } from './escape-html.ts';

/** The tensors that quantization moved most. */
export function renderTensorErrors(errors: readonly TensorError[]): Markup {
  const heads = ['Relative error', 'Largest', 'Cosine', 'SQNR'];
  return markup`<details open>
    <summary>Tensors that quantization moved most</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Tensors that quantization moved most">
      <table>
        <thead>
          <tr>
            <th scope="col">Tensor</th>
            ${heads.map((head) => markup`<th scope="col" class="right">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${errors.map(renderRow)}
        </tbody>
      </table>
    </div>
  </details>`;
}

function renderRow({ name, relativeFrobenius, maxAbs, cosine, sqnr }: TensorError): Markup {
  const figures = [
    `${(100 * relativeFrobenius).toFixed(2)} %`,
    maxAbs.toPrecision(3),
    cosine.toFixed(5),
    sqnr === null ? 'exact' : `${sqnr.toFixed(1)} dB`,
  ];
  return markup`<tr>
    <th scope="row" class="small">${name}</th>
    ${figures.map((figure) => markup`<td class="right">${figure}</td>`)}
  </tr>`;
}
