// SPDX-License-Identifier: Apache-2.0
// A drag over the brush from 20 % to 80 % of the run, step by step, each step drawn before the next one.

export const DRAG_STEPS = 60;

/** Starts a drag; `step` moves to share 0 … 1 of it and returns when that is on the canvas, `end` lets go. */
export async function startDrag(page) {
    await page.evaluate(() => {
        const area = document.querySelector('.brush');
        area.setPointerCapture = () => undefined;
        window.dragTo = async (type, share) => {
            const box = area.getBoundingClientRect();
            const clientX = box.left + box.width * (0.2 + 0.6 * share);
            area.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, buttons: 1, pointerId: 1, clientX, clientY: box.top + 40 }));
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
        };
        return window.dragTo('pointerdown', 0);
    });
    return {
        step: (share) => page.evaluate((at) => window.dragTo('pointermove', at), share),
        end: () => page.evaluate(() => window.dragTo('pointerup', 1)),
    };
}
