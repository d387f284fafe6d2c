import { Menu } from "@mantine/core";
import { Check } from "lucide-react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, type Language, speak, spoken } from "../i18n";

/** The languages in a menu, each under its own name. */
export function LanguageItems() {
  useTranslation(); // renders anew once another is spoken
  return (Object.keys(LANGUAGES) as Language[]).map((language) => (
    <Menu.Item
      key={language}
      lang={language}
      onClick={() => void speak(language)}
      rightSection={spoken() === language ? <Check size={14} aria-hidden /> : undefined}
    >
      {LANGUAGES[language]}
    </Menu.Item>
  ));
}
