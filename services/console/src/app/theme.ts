import {
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from "@mantine/core";

const iris: MantineColorsTuple = [
  "#eef0ff",
  "#dcdffa",
  "#b7bcf1",
  "#8f97e9",
  "#6f79e2",
  "#5a65dc",
  "#4a53c8",
  "#3f48b4",
  "#363ea0",
  "#2c3389",
];

const night: MantineColorsTuple = [
  "#d5dae4",
  "#b4bccb",
  "#929cae",
  "#6b7587",
  "#3b4250",
  "#2b303b",
  "#22262f",
  "#1a1d24",
  "#14171d",
  "#0e1015",
];

const TITLE = { fontSize: "var(--mantine-font-size-lg)", fontWeight: 650 };

/** How everything looks: calm surfaces, one accent, text that is easy to read. */
export const theme = createTheme({
  primaryColor: "iris",
  primaryShade: { light: 6, dark: 5 },
  colors: { iris, dark: night },
  fontFamily:
    "'Inter Variable', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "1.375rem", lineHeight: "1.3" } } },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  autoContrast: true,
  components: {
    Alert: { styles: { label: { color: "var(--mantine-color-text)" } } },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: true } },
    Drawer: { styles: { title: TITLE } },
    Modal: {
      defaultProps: { centered: true, radius: "lg", overlayProps: { blur: 2 } },
      styles: { title: TITLE },
    },
  },
});

/** Where Mantine's own choice is too pale, or too dark to read on our night. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: { "--mantine-color-dimmed": "var(--muted)", "--mantine-color-placeholder": "#6b7383" },
  dark: {
    "--mantine-color-dimmed": "var(--muted)",
    "--mantine-color-anchor": iris[2],
    "--mantine-color-iris-light": "rgb(90 101 220 / 24%)",
    "--mantine-color-iris-light-hover": "rgb(90 101 220 / 34%)",
    "--mantine-color-iris-light-color": iris[1],
    "--mantine-color-placeholder": "#8b95a7",
    "--mantine-color-red-light": "rgb(224 49 49 / 20%)",
    "--mantine-color-red-light-hover": "rgb(224 49 49 / 28%)",
    "--mantine-color-teal-light": "rgb(18 184 134 / 17%)",
    "--mantine-color-teal-light-hover": "rgb(18 184 134 / 25%)",
  },
});

/** The same place that `theme.js` reads before anything is painted. */
export const schemes = localStorageColorSchemeManager({ key: "marquee-theme" });
