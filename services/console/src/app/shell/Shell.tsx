import { ActionIcon, AppShell, Burger, Group, Kbd, Stack, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { lazy, Suspense, useEffect, useReducer } from "react";
import { useTranslation } from "react-i18next";
import { useUndoKey } from "@/features/operations/useUndoKey";
import { DropAnywhere } from "@/features/upload/DropAnywhere";
import { UploadTray } from "@/features/upload/UploadTray";
import { LiveBadge } from "@/live/LiveBadge";
import { modKey } from "@/ui/keys";
import { AccountMenu } from "./AccountMenu";
import { Help } from "./Help";
import { Logo } from "./Logo";
import { PLACES } from "./navigation";
import classes from "./shell.module.css";
import { useShortcuts } from "./shortcuts";

const PRELOAD_MS = 2_000;
const loadPalette = async () => ({ default: (await import("./Palette")).Palette });
const Palette = lazy(loadPalette);

/** What is around every page: where one can go, search, the connection, and uploads under way. */
export function Shell() {
  const { t } = useTranslation();
  const [opened, menu] = useDisclosure(false);
  const [helped, help] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => void performance.mark("usable"), []);
  usePreloaded(loadPalette);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever went somewhere wants to see it
  useEffect(() => menu.close(), [path]);
  const [asked, askPalette] = useReducer((times: number) => times + 1, 0);
  useShortcuts({ onHelp: help.open, onPalette: askPalette });
  useUndoKey();
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 216, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a href="#main" className="skip">
        {t("app.skip")}
      </a>
      <AppShell.Header className={classes.header}>
        <Group h="100%" px="md" gap="sm" wrap="nowrap" justify="space-between">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={menu.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={t("app.menu")}
            />
            <Link to="/" aria-label="Marquee" style={{ color: "inherit", textDecoration: "none" }}>
              <Logo />
            </Link>
          </Group>
          <UnstyledButton
            className={classes.search}
            visibleFrom="sm"
            onClick={askPalette}
            aria-keyshortcuts="Control+K Meta+K"
          >
            <Search size={15} aria-hidden />
            <span style={{ flex: 1 }}>{t("app.search")}</span>
            <Kbd size="xs">{modKey()} K</Kbd>
          </UnstyledButton>
          <Group gap="xs" wrap="nowrap">
            <ActionIcon
              hiddenFrom="sm"
              variant="subtle"
              color="gray"
              size={36}
              aria-label={t("app.search")}
              onClick={askPalette}
            >
              <Search size={18} aria-hidden />
            </ActionIcon>
            <LiveBadge />
            <AccountMenu onHelp={help.open} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar} p="sm" aria-label={t("app.navigation")}>
        <Stack gap={2}>
          {PLACES.map(({ to, icon: Icon, name }) => (
            <Link
              key={to}
              to={to}
              className={classes.link}
              data-status={isAt(path, to) ? "active" : undefined}
              aria-current={isAt(path, to) ? "page" : undefined}
            >
              <Icon size={18} strokeWidth={1.8} aria-hidden />
              {t(`nav.${name}`)}
            </Link>
          ))}
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <div className={classes.inner} data-wide={isGallery(path) || undefined}>
          <Outlet />
        </div>
      </AppShell.Main>
      <DropAnywhere />
      <UploadTray />
      {asked > 0 && (
        <Suspense>
          <Palette asked={asked} onHelp={help.open} />
        </Suspense>
      )}
      <Help opened={helped} onClose={help.close} />
    </AppShell>
  );
}

/** Fetches what is wanted at once when it is wanted: what is typed meanwhile would go elsewhere. */
function usePreloaded(load: () => Promise<unknown>): void {
  useEffect(() => {
    const timer = setTimeout(() => void load().catch(() => undefined), PRELOAD_MS);
    return () => clearTimeout(timer);
  }, [load]);
}

/** Whether a page shows pictures, of which more fit where there is more room; text has a measure. */
function isGallery(path: string): boolean {
  return path === "/" || path === "/assets";
}

/** The page after sign-in is that of the assets, at whichever of its two addresses. */
function isAt(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`) || (path === "/" && place === "/assets");
}
