import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "@/words/en";
import type { Told } from "@/words/en/codes";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "marquee-language";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "words";
    resources: { words: typeof en };
  }
}

/** Loads the words of the language that was chosen, or that the browser asks for. */
export async function startWords(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: "en",
    fallbackLng: "en",
    defaultNS: "words",
    resources: { en: { words: en } },
    interpolation: { escapeValue: false },
  });
  await speak(wanted(), { keep: false });
}

/** Changes the language of the whole page, for good unless told otherwise. */
export async function speak(language: Language, { keep = true } = {}): Promise<void> {
  if (language === "de" && !i18next.hasResourceBundle("de", "words")) {
    const { de } = await import("@/words/de");
    i18next.addResourceBundle("de", "words", de);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  if (keep) localStorage.setItem(KEPT, language);
}

/** The language that is spoken now. */
export function spoken(): Language {
  return i18next.language === "de" ? "de" : "en";
}

/** What a code of the API means, if the language has words for it. */
export function meaningOf(code: string): Told | undefined {
  return i18next.getResource(spoken(), "words", `code.${code}`);
}

/** The language with the person's own region, if they have one: dates in London are not New York's. */
export function region(): string {
  const language = spoken();
  return navigator.languages.find((each) => each.startsWith(`${language}-`)) ?? language;
}

function wanted(): Language {
  const kept = localStorage.getItem(KEPT);
  const told = kept ?? navigator.languages.find((each) => /^(de|en)\b/.test(each)) ?? "en";
  return told.startsWith("de") ? "de" : "en";
}
