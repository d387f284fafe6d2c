import { ActionIcon, Avatar, Menu, Text, useMantineColorScheme } from "@mantine/core";
import { BookOpen, Check, Keyboard, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useTranslation } from "react-i18next";
import { session } from "@/api/session";
import { useMe } from "@/features/session/useSession";
import { LanguageItems } from "./LanguageItems";

const SCHEMES = { light: Sun, dark: Moon, auto: Monitor } as const;

/** Who is signed in; how the page looks and speaks; the way out. */
export function AccountMenu({ onHelp }: { onHelp: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon variant="transparent" size={36} aria-label={t("app.account")}>
          <Avatar name={me.name} color="iris" variant="filled" size={32} radius="xl" alt="" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)" className="clip">
            {me.name}
          </Text>
          <Text size="xs" className="clip">
            {me.email}
          </Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>{t("app.theme")}</Menu.Label>
        {(["light", "dark", "auto"] as const).map((scheme) => {
          const Icon = SCHEMES[scheme];
          return (
            <Menu.Item
              key={scheme}
              leftSection={<Icon size={15} aria-hidden />}
              rightSection={colorScheme === scheme ? <Check size={14} aria-hidden /> : undefined}
              onClick={() => setColorScheme(scheme)}
            >
              {t(`theme.${scheme}`)}
            </Menu.Item>
          );
        })}
        <Menu.Divider />
        <Menu.Label>{t("app.language")}</Menu.Label>
        <LanguageItems />
        <Menu.Divider />
        <Menu.Item leftSection={<Keyboard size={15} aria-hidden />} onClick={onHelp}>
          {t("help.title")}
        </Menu.Item>
        <Menu.Item leftSection={<BookOpen size={15} aria-hidden />} component="a" href="/docs">
          {t("app.apiDocs")}
        </Menu.Item>
        <Menu.Item
          leftSection={<LogOut size={15} aria-hidden />}
          onClick={() => void session.signOut()}
        >
          {t("session.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
