export interface LabelAnchor {
  readonly text: string;
  /** Middle of the point it names, in pixels. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedLabel {
  readonly text: string;
  readonly x: number;
  /** Baseline of the text. */
  readonly y: number;
  readonly anchor: 'start' | 'end';
}

interface Rectangle {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Right of the point, else left, each at growing distance above and below. */
const shifts = [0, -14, 14, -26, 26, -38, 38, -50, 50];

/** Puts each label beside its point where it covers no other label or point and stays in the picture. */
export function placeLabels(
  anchors: readonly LabelAnchor[],
  picture: { readonly width: number; readonly height: number },
): PlacedLabel[] {
  const taken: Rectangle[] = anchors.map(({ x, y }) => ({
    left: x - 7,
    right: x + 7,
    top: y - 7,
    bottom: y + 7,
  }));
  return anchors.map((anchor) => {
    const choices = shifts.flatMap((shift) => [place(anchor, shift, 'start'), place(anchor, shift, 'end')]);
    const fits = choices.find(({ area }) => {
      const isInside =
        area.left >= 0 && area.right <= picture.width && area.top >= 0 && area.bottom <= picture.height;
      return isInside && !taken.some((other) => overlap(area, other));
    });
    const { label, area } = fits ?? place(anchor, 0, 'start');
    taken.push(area);
    return label;
  });
}

function place({ text, x, y }: LabelAnchor, shift: number, anchor: 'start' | 'end') {
  // Fonts differ; 7 pixels a letter is wide enough for a bold 12 pixel face.
  const width = Array.from(text).length * 7;
  const at = anchor === 'start' ? x + 11 : x - 11;
  const left = anchor === 'start' ? at : at - width;
  const baseline = y + 4 + shift;
  const area = { left, right: left + width, top: baseline - 11, bottom: baseline + 3 };
  return { label: { text, x: at, y: baseline, anchor }, area };
}

function overlap(a: Rectangle, b: Rectangle): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
