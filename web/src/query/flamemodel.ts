// SPDX-License-Identifier: Apache-2.0
// What the flame canvas shows: one or two laid-out trees, the calls above the narrowed one, and movement between boxes.
//
// Parts are stacked from top to bottom and share the line where they meet: a sandwich is callers that grow upwards (flipped: row 0 is
// the lowest line) over callees that grow downwards from the same box.
import { layoutHit, layoutRow, layoutTree, type Layout, type LayoutTree } from './layout';

export interface FlamePart {
    tree: LayoutTree;
    layout: Layout;
    flipped: boolean;
    /** Line of the canvas where the part begins. */
    top: number;
}

export interface FlameModel {
    parts: FlamePart[];
    /** Call-tree nodes above the narrowed one, drawn full width; outermost first. */
    above: number[];
    lines: number;
    total: number;
}

export interface Box {
    part: number;
    rect: number;
}

export interface PartInput {
    tree: LayoutTree;
    root: number;
    flipped: boolean;
    widthPx: number;
    order: 'value' | 'name';
}

export function flameModel(inputs: PartInput[], above: number[], minPx: number): FlameModel {
    const parts: FlamePart[] = [];
    const growsUp = inputs.length === 1 && inputs[0].flipped;
    let line = growsUp ? 0 : above.length;
    for (const input of inputs) {
        const layout = layoutTree({ tree: input.tree, root: input.root, widthPx: input.widthPx, minPx, order: input.order });
        if (parts.length > 0 && parts[0].layout.rows > 0) line--;
        parts.push({ tree: input.tree, layout, flipped: input.flipped, top: line });
        line += layout.rows;
    }
    if (growsUp) line += above.length;
    const total = inputs.length > 0 ? inputs[inputs.length - 1].tree.totalOf(inputs[inputs.length - 1].root) : 0;
    return { parts, above, lines: line, total };
}

export function lineOf(part: FlamePart, row: number): number {
    return part.flipped ? part.top + part.layout.rows - 1 - row : part.top + row;
}

export function rowAtLine(part: FlamePart, line: number): number {
    return part.flipped ? part.top + part.layout.rows - 1 - line : line - part.top;
}

/** Box at a line and x, or null. */
export function boxAt(model: FlameModel, line: number, x: number): Box | null {
    for (let p = 0; p < model.parts.length; p++) {
        const rect = layoutHit(model.parts[p].layout, rowAtLine(model.parts[p], line), x);
        if (rect >= 0) return { part: p, rect };
    }
    return null;
}

function middle(layout: Layout, rect: number): number {
    return layout.x[rect] + Math.min(layout.width[rect] / 2, layout.width[rect]);
}

/** The neighbour of a box in a direction of the screen, or the same box. */
export function neighbour(model: FlameModel, box: Box, direction: 'left' | 'right' | 'up' | 'down'): Box {
    const part = model.parts[box.part];
    const { layout } = part;
    const row = layoutRow(layout, box.rect);
    if (direction === 'left' || direction === 'right') {
        const next = box.rect + (direction === 'left' ? -1 : 1);
        const inside = next >= layout.rowStart[row] && next < layout.rowStart[row + 1];
        return inside ? { part: box.part, rect: next } : box;
    }
    const line = lineOf(part, row) + (direction === 'up' ? -1 : 1);
    const towardsRoot = (direction === 'up') !== part.flipped;
    const x = towardsRoot ? middle(layout, box.rect) : layout.x[box.rect] + 0.01;
    return boxAt(model, line, x) ?? box;
}

/** Number of drawn children of a box. */
export function childCount(tree: LayoutTree, node: number): number {
    let count = 0;
    for (let child = tree.firstChild[node]; child >= 0; child = tree.nextSibling[child]) if (tree.totalOf(child) > 0) count++;
    return count;
}
