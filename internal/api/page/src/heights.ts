// The heights of the rows of a long list, of which only those are known that were once drawn. Rows have
// numbers; blocks of 64 keep sums, so that finding a row among many costs little.

const bits = 6;
const per = 1 << bits;
const enough = 8; // rows to guess the others from

interface Block {
  rows: Float32Array; // 0 is unknown
  sum: number; // of the known
  known: number;
}

export class Heights {
  private blocks = new Map<number, Block>();

  private first: number[] = []; // heights of the rows that were drawn first

  // guess is what a row is taken for that was never drawn.
  constructor(private guess: number) {}

  of(row: number): number {
    return this.blocks.get(row >> bits)?.rows[row & (per - 1)] || this.guess;
  }

  // forget is for when all of them have changed.
  forget(): void {
    this.blocks.clear();
    this.first = [];
  }

  // settle makes the guess from the rows that were drawn first, once: most rows of a room are alike, and the
  // middle one is not misled by the one with a divider above it.
  private settle(height: number): void {
    if (this.first.length >= enough || this.first.push(height) < enough) return;
    this.guess = this.first.toSorted((a, b) => a - b)[enough >> 1]!;
  }

  // set notes a height and says whether it changed anything.
  set(row: number, height: number): boolean {
    if (height <= 0) return false; // not drawn
    let b = this.blocks.get(row >> bits);
    if (!b) this.blocks.set(row >> bits, b = { rows: new Float32Array(per), sum: 0, known: 0 });
    const at = row & (per - 1);
    const before = b.rows[at]!;
    if (Math.abs((before || this.guess) - height) < 0.25 && before) return false;
    b.rows[at] = height;
    b.sum += b.rows[at]! - before;
    const moved = Math.abs((before || this.guess) - height) >= 0.25;
    if (!before) {
      b.known++;
      this.settle(height);
    }
    return moved;
  }

  // between is the height of the rows from one up to, not with, another.
  between(from: number, to: number): number {
    let sum = 0;
    let row = from;
    while (row < to) {
      if ((row & (per - 1)) === 0 && row + per <= to) {
        const b = this.blocks.get(row >> bits);
        sum += b ? b.sum + (per - b.known) * this.guess : per * this.guess;
        row += per;
      } else {
        sum += this.of(row++);
      }
    }
    return sum;
  }

  // at is the row that stands y below the top of a row, and how far y is into it.
  at(y: number, from: number, last: number): { row: number; into: number } {
    let row = from;
    while (row < last) {
      if ((row & (per - 1)) === 0 && row + per <= last) {
        const b = this.blocks.get(row >> bits);
        const h = b ? b.sum + (per - b.known) * this.guess : per * this.guess;
        if (y >= h) {
          y -= h;
          row += per;
          continue;
        }
      }
      const h = this.of(row);
      if (y < h) break;
      y -= h;
      row++;
    }
    return { row, into: Math.max(0, y) };
  }
}
