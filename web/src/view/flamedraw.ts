// SPDX-License-Identifier: Apache-2.0
// Draws the visible lines of a flame model on a canvas: boxes coloured by module, labels that fit, stubs, search hits, focus.
import { modulePaint, stubPaint, type Paint, type Theme } from '../colour';
import type { Labels } from '../data/labels';
import { formatValue } from '../format';
import type { CallTree } from '../query/calltree';
import { lineOf, type Box, type FlameModel, type FlamePart } from '../query/flamemodel';
import type { Unit } from '../data/manifest';

export const LINE_PX = 19;
const FONT = '12px system-ui, -apple-system, "Segoe UI", sans-serif';
const LABEL_MIN_PX = 34;

export interface FlameScene {
    model: FlameModel;
    tree: CallTree;
    labels: Labels;
    matches: Uint8Array | null;
    inlined: (part: FlamePart, node: number) => boolean;
    unit: Unit;
    theme: Theme;
    hover: Box | null;
    focus: Box | null;
    rootLabel: string;
}

const widths = new Map<string, number>();

function textWidth(ctx: CanvasRenderingContext2D, text: string): number {
    let width = widths.get(text);
    if (width === undefined) {
        if (widths.size > 20000) widths.clear();
        width = ctx.measureText(text.slice(0, 400)).width;
        widths.set(text, width);
    }
    return width;
}

/** The longest of several names that fits, cut at its end if none does; "" when nothing useful fits. */
function fitted(ctx: CanvasRenderingContext2D, names: string[], room: number): string {
    for (const name of names) if (textWidth(ctx, name) <= room) return name;
    const last = names[names.length - 1];
    const characters = Math.floor((room - 8) / 6.4);
    return characters >= 3 ? `${last.slice(0, characters)}…` : '';
}

function hatch(ctx: CanvasRenderingContext2D, x: number, y: number, width: number, ink: string): void {
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, width, LINE_PX - 1);
    ctx.clip();
    ctx.strokeStyle = ink;
    ctx.globalAlpha = 0.28;
    ctx.beginPath();
    for (let at = x - LINE_PX; at < x + width; at += 6) {
        ctx.moveTo(at, y + LINE_PX);
        ctx.lineTo(at + LINE_PX, y);
    }
    ctx.stroke();
    ctx.restore();
}

let painted: { labels: Labels; theme: Theme; paints: Paint[] } | null = null;

/** Paint of a function, remembered per report and theme: it is asked for thousands of times per frame. */
function functionPaint(labels: Labels, func: number, theme: Theme): Paint {
    if (!painted || painted.labels !== labels || painted.theme !== theme) painted = { labels, theme, paints: [] };
    let paint = painted.paints[func];
    if (!paint) {
        const kind = labels.moduleKind(func);
        paint = modulePaint(labels.module(func), labels.file(func), kind === 2 || kind === 3 || kind === 4 || kind === 6, func, theme);
        painted.paints[func] = paint;
    }
    return paint;
}

function drawBox(ctx: CanvasRenderingContext2D, scene: FlameScene, part: FlamePart, rect: number, y: number): void {
    const { layout } = part;
    // Whole pixels: edges need no blending, and of boxes that share a pixel only one is drawn.
    const x = Math.round(layout.x[rect]);
    const right = Math.round(layout.x[rect] + layout.width[rect]);
    if (right === x) return;
    const width = right - x > 3 ? right - x - 1 : right - x;
    const node = layout.node[rect];
    const { labels } = scene;
    if (layout.stub[rect] > 0) {
        const paint = stubPaint(scene.theme);
        ctx.fillStyle = paint.fill;
        ctx.fillRect(x, y, width, LINE_PX - 1);
        if (width > 26) {
            ctx.fillStyle = paint.ink;
            const text = `+${layout.stub[rect]}`;
            ctx.fillText(width > 90 ? `${text} smaller` : text, x + 4, y + LINE_PX / 2);
        }
        return;
    }
    const func = part.tree.func[node];
    const isRoot = node === 0;
    const paint = isRoot ? stubPaint(scene.theme) : functionPaint(labels, func, scene.theme);
    const dim = scene.matches !== null && (isRoot || scene.matches[func] === 0);
    if (dim) ctx.globalAlpha = 0.45;
    ctx.fillStyle = paint.fill;
    const joined = !isRoot && scene.inlined(part, node);
    ctx.fillRect(x, joined ? y - 1 : y, width, joined ? LINE_PX : LINE_PX - 1);
    if (dim) ctx.globalAlpha = 1;
    if (!dim && scene.matches) {
        if (width > 6) hatch(ctx, x, y, width, paint.ink);
        ctx.strokeStyle = paint.ink;
        ctx.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), LINE_PX - 2);
    }
    if (width >= LABEL_MIN_PX) {
        const value = formatValue(part.tree.totalOf(node), scene.unit);
        const names = isRoot ? [scene.rootLabel] : labels.fitting(func);
        const valueRoom = width > 150 ? textWidth(ctx, value) + 10 : 0;
        const text = fitted(ctx, names, width - 8 - valueRoom);
        ctx.fillStyle = paint.ink;
        if (dim) ctx.globalAlpha = 0.85;
        ctx.fillText(text, x + 4, y + LINE_PX / 2);
        if (valueRoom > 0) ctx.fillText(value, x + width - valueRoom + 6, y + LINE_PX / 2);
        ctx.globalAlpha = 1;
    }
}

function outline(ctx: CanvasRenderingContext2D, scene: FlameScene, box: Box, scroll: number, colour: string, thick: number): void {
    const part = scene.model.parts[box.part];
    if (!part || box.rect >= part.layout.count) return;
    let row = 0;
    while (row + 1 < part.layout.rows && part.layout.rowStart[row + 1] <= box.rect) row++;
    const y = lineOf(part, row) * LINE_PX - scroll;
    ctx.strokeStyle = colour;
    ctx.lineWidth = thick;
    ctx.strokeRect(part.layout.x[box.rect] + thick / 2, y + thick / 2, Math.max(thick, part.layout.width[box.rect] - thick - 1), LINE_PX - 1 - thick);
    ctx.lineWidth = 1;
}

function drawAbove(ctx: CanvasRenderingContext2D, scene: FlameScene, firstLine: number, scroll: number, width: number): void {
    const { above } = scene.model;
    const paint = stubPaint(scene.theme);
    above.forEach((node, i) => {
        const line = firstLine === 0 ? i : firstLine + (above.length - 1 - i);
        const y = line * LINE_PX - scroll;
        ctx.fillStyle = paint.fill;
        ctx.fillRect(0, y, width, LINE_PX - 1);
        ctx.fillStyle = paint.ink;
        const names = node === 0 ? ['everything'] : scene.labels.fitting(scene.tree.func[node]);
        ctx.fillText(fitted(ctx, names, width - 16), 4, y + LINE_PX / 2);
    });
}

export function drawFlame(canvas: HTMLCanvasElement, scene: FlameScene, scroll: number, width: number, height: number): void {
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
    }
    const ctx = canvas.getContext('2d');
    if (!ctx) return;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.font = FONT;
    ctx.textBaseline = 'middle';
    const { model } = scene;
    const upwards = model.parts.length === 1 && model.parts[0].flipped;
    drawAbove(ctx, scene, upwards ? model.lines - model.above.length : 0, scroll, width);
    const first = Math.floor(scroll / LINE_PX);
    const last = Math.ceil((scroll + height) / LINE_PX);
    for (const part of model.parts) {
        for (let row = 0; row < part.layout.rows; row++) {
            const line = lineOf(part, row);
            if (line < first || line > last) continue;
            const y = line * LINE_PX - scroll;
            const end = part.layout.rowStart[row + 1];
            for (let rect = part.layout.rowStart[row]; rect < end; rect++) drawBox(ctx, scene, part, rect, y);
        }
    }
    const ink = scene.theme === 'dark' ? '#ffffff' : '#0b0d10';
    if (scene.hover) outline(ctx, scene, scene.hover, scroll, ink, 1);
    if (scene.focus) outline(ctx, scene, scene.focus, scroll, ink, 2);
}
