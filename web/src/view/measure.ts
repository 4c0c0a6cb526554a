// SPDX-License-Identifier: Apache-2.0
// Sizes of elements as the layout changes.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

/** Width of an element, kept up to date. */
export function useWidth(): [RefObject<HTMLDivElement | null>, number] {
    const [ref, size] = useSize();
    return [ref, size[0]];
}

export function useSize(): [RefObject<HTMLDivElement | null>, [number, number]] {
    const ref = useRef<HTMLDivElement>(null);
    const [size, setSize] = useState<[number, number]>([0, 0]);
    useEffect(() => {
        const element = ref.current;
        if (!element) return undefined;
        const measure = (): void => {
            const width = Math.floor(element.clientWidth);
            const height = Math.floor(element.clientHeight);
            setSize((old) => (old[0] === width && old[1] === height ? old : [width, height]));
        };
        measure();
        const observer = new ResizeObserver(measure);
        observer.observe(element);
        return () => observer.disconnect();
    }, []);
    return [ref, size];
}
