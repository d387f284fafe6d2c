import i18next from "i18next";

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);

/** What is written on the key that goes with letters: Ctrl, Strg, ⌘. */
export function modKey(): string {
  return APPLE ? "⌘" : i18next.t("help.ctrl");
}
