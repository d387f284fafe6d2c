import { useHotkeys } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { PLACES } from "./navigation";

const CHORD_MS = 1_200;

interface Asked {
  onHelp: () => void;
  onPalette: () => void;
}

/** The keys that work everywhere; while somebody types, only Ctrl K does. */
export function useShortcuts({ onHelp, onPalette }: Asked): void {
  const navigate = useNavigate();
  const chord = useRef(0);
  const beginChord = () => {
    chord.current = Date.now();
  };
  useHotkeys([
    ["?", onHelp],
    ["shift+?", onHelp],
    ["/", () => focusSearch() || onPalette()],
    ["g", beginChord],
  ]);
  useHotkeys([["mod+k", onPalette]], []);
  useEffect(() => {
    const go = (event: KeyboardEvent) => {
      if (Date.now() - chord.current > CHORD_MS || event.ctrlKey || event.metaKey) return;
      const place = PLACES.find(({ key }) => key === event.key);
      if (!place) return;
      chord.current = 0;
      void navigate({ to: place.to });
    };
    addEventListener("keydown", go);
    addEventListener("keydown", enterResults);
    return () => {
      removeEventListener("keydown", go);
      removeEventListener("keydown", enterResults);
    };
  }, [navigate]);
}

/** Down from the search field leads into what was found. */
function enterResults(event: KeyboardEvent): void {
  const field = event.target;
  if (event.key !== "ArrowDown" || !(field instanceof Element)) return;
  if (!field.matches("input[data-page-search]")) return;
  event.preventDefault();
  document.querySelector<HTMLElement>("#main :is([data-asset], [role=listitem]) a")?.focus();
}

/** Goes to the search field of the page, if it has one. */
function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>("input[data-page-search]");
  field?.focus();
  field?.select();
  return field !== null;
}
