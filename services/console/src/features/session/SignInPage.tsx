import { Button, Group, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { refusalsOf } from "@/api/problem";
import { session } from "@/api/session";
import { LanguageMenu } from "@/app/shell/LanguageMenu";
import { Logo } from "@/app/shell/Logo";
import { ProblemBox } from "@/ui/ProblemBox";
import classes from "./session.module.css";

/** Signs in; `again` is the address of somebody whose session ended while they were at work. */
export function SignInPage({ again }: { again?: string }) {
  const { t } = useTranslation();
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: { email: again ?? "", password: "" },
    validate: {
      email: (value) => (value.trim() ? null : t("session.emailMissing")),
      password: (value) => (value ? null : t("session.passwordMissing")),
    },
  });
  useEffect(() => {
    if (!again) document.title = `${t("session.title")} · Marquee`;
  }, [again, t]);

  async function signIn(values: typeof form.values) {
    setBusy(true);
    setProblem(null);
    try {
      await session.signIn(values.email.trim(), values.password);
    } catch (error) {
      const refusals = refusalsOf(error);
      form.setFieldValue("password", "");
      form.setErrors(refusals);
      setProblem(Object.keys(refusals).length > 0 ? null : error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className={`${classes.page} ${again ? "" : classes.alone}`}>
      <div className={classes.card}>
        <Stack gap="lg">
          <Group justify="space-between">
            <Logo />
            <LanguageMenu />
          </Group>
          <div>
            <Title order={1} id="sign-in-title">
              {again ? t("session.again") : t("session.title")}
            </Title>
            <Text c="var(--muted)" size="sm" mt={4}>
              {again ? t("session.againText") : t("session.text")}
            </Text>
          </div>
          <form onSubmit={form.onSubmit(signIn)} noValidate>
            <Stack gap="md">
              <TextInput
                label={t("session.email")}
                type="email"
                name="email"
                autoComplete="username"
                autoFocus={!again}
                {...form.getInputProps("email")}
              />
              <PasswordInput
                label={t("session.password")}
                name="password"
                autoComplete="current-password"
                visibilityToggleButtonProps={{ "aria-label": t("session.showPassword") }}
                {...form.getInputProps("password")}
              />
              {problem !== null && <ProblemBox error={problem} />}
              <Button type="submit" size="md" loading={busy} fullWidth>
                {t("session.signIn")}
              </Button>
            </Stack>
          </form>
        </Stack>
      </div>
    </main>
  );
}
