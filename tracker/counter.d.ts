// What counter.js adds to a page. Types only: `/// <reference path="counter.d.ts" />`, or copy it beside your own.

/** Whose visitors are counted, and how that is shown. */
interface PulseCounterOptions {
  /** The site; the script's `data-site` where it is left out. */
  site?: string;
  /** `"page"`: those who have the same page open. The whole site otherwise. */
  scope?: "site" | "page";
  /** Those who have this page open, such as `/pricing`. */
  page?: string;
  /** What stands behind the number: `"reader|readers"` for one and for more, or one word for both; `""` for the number alone. */
  label?: string;
  /** Where a counter is put: an element, or what finds one. Without it there is nothing to look at. */
  target?: Element | string;
  /** Is told each new count. */
  onCount?: (online: number) => void;
}

interface PulseCounterHandle {
  /** The element that was made, where there was a target. */
  element?: PulseCounterElement;
  /** Counts and shows no more. */
  stop(): void;
}

/** `<pulse-counter>`. Attributes: `site`, `scope`, `page`, `label`; `count` while there is a number. Parts: `dot`, `count`, `label`. */
interface PulseCounterElement extends HTMLElement {
  readonly count: number | null;
}

interface Window {
  Pulse: { counter: { init(options?: PulseCounterOptions): PulseCounterHandle } };
}

interface HTMLElementTagNameMap {
  "pulse-counter": PulseCounterElement;
}

interface HTMLElementEventMap {
  /** A new count, which bubbles: `detail` is the number. */
  "pulse:count": CustomEvent<number>;
}
