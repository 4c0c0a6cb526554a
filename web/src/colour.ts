// SPDX-License-Identifier: Apache-2.0
// Colours of marks: a hue per module from a hash of its name, so one module looks the same in every report; ink with enough contrast.

export interface Paint {
    fill: string;
    ink: string;
}

export type Theme = 'light' | 'dark';

/** Hues (degrees in OKLCH) that stay apart for common colour-vision deficiencies when lightness alternates. */
const HUES = [255, 75, 165, 30, 305, 120, 225, 55, 345, 195, 95, 280];

/** Degrees between files of one module: less than between modules. */
const FILE_TURN = 7;

const LIGHTNESS = { light: 0.74, dark: 0.5 };
const CHROMA = { light: 0.085, dark: 0.095 };

function hashText(text: string): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 13;
    return Math.imul(hash, 0x5bd1e995) >>> 0;
}

function channel(linear: number): number {
    const clipped = Math.min(1, Math.max(0, linear));
    return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055));
}

/** OKLCH to sRGB, each 0 … 255. */
export function rgbFromOklch(lightness: number, chroma: number, hue: number): [number, number, number] {
    const a = chroma * Math.cos((hue * Math.PI) / 180);
    const b = chroma * Math.sin((hue * Math.PI) / 180);
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    return [
        channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
        channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
        channel(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
    ];
}

export function luminance([r, g, b]: [number, number, number]): number {
    const linear = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function paintOf(rgb: [number, number, number]): Paint {
    const ink = luminance(rgb) > 0.179 ? '#101418' : '#ffffff';
    return { fill: `rgb(${rgb.join(',')})`, ink };
}

const cache = new Map<string, Paint>();

/** Paint of a function: hue by module, a few degrees to either side by source file, a little lightness by function. */
export function modulePaint(module: string, file: string, grey: boolean, shade: number, theme: Theme): Paint {
    const step = shade % 3;
    const turn = ((hashText(file) % 5) - 2) * FILE_TURN;
    const key = `${theme}${grey ? '-' : '+'}${step}/${turn}/${module}`;
    let paint = cache.get(key);
    if (!paint) {
        const lightness = LIGHTNESS[theme] + (step - 1) * 0.022;
        paint = paintOf(rgbFromOklch(lightness, grey ? 0.008 : CHROMA[theme], grey ? 255 : HUES[hashText(module) % HUES.length] + turn));
        cache.set(key, paint);
    }
    return paint;
}

export function stubPaint(theme: Theme): Paint {
    return theme === 'light' ? { fill: '#dfe3e8', ink: '#3d4650' } : { fill: '#2a3038', ink: '#b6bfca' };
}

/** Nine steps from little to much, readable as grey too. */
const VIRIDIS = ['#440154', '#472c7a', '#3b528b', '#2c728e', '#21918c', '#28ae80', '#5ec962', '#addc30', '#fde725'];

const VIRIDIS_DOWN = VIRIDIS.slice().reverse();

/** Little is near the background in both themes. */
export function heatColours(theme: Theme): readonly string[] {
    return theme === 'dark' ? VIRIDIS : VIRIDIS_DOWN;
}

export function heatColour(share: number, theme: Theme): string {
    const scale = heatColours(theme);
    return scale[Math.min(scale.length - 1, Math.max(0, Math.round(share * (scale.length - 1))))];
}

/** Line colours for stacked and compared series, per theme. */
export const SERIES: Record<Theme, string[]> = {
    light: ['#0b63ce', '#b35900', '#0f7b5f', '#9c3fb5', '#6b6b00', '#c02f5b', '#3a6f8f', '#7a5a3c', '#8a929c'],
    dark: ['#6ea8fe', '#f0a35e', '#5bc8a4', '#d38be8', '#cfc75a', '#f28aa9', '#87bcd8', '#c9a98a', '#8b95a3'],
};

export interface ChartInk {
    live: string;
    liveFill: string;
    rss: string;
    part: string;
    kept: string;
    gone: string;
    free: string;
    axis: string;
    grid: string;
    mark: string;
}

export const CHART: Record<Theme, ChartInk> = {
    light: { live: '#0b63ce', liveFill: 'rgba(11,99,206,.16)', rss: '#6a737d', part: '#b35900', kept: '#0b63ce', gone: '#9db7d6', free: '#0f7b5f', axis: '#57606a', grid: '#e9ecf0', mark: '#b3261e' },
    dark: { live: '#6ea8fe', liveFill: 'rgba(110,168,254,.18)', rss: '#9aa4b0', part: '#f0a35e', kept: '#6ea8fe', gone: '#48607f', free: '#5bc8a4', axis: '#9aa4b0', grid: '#232931', mark: '#ff8f85' },
};
