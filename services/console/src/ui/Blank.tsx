import { Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface Props {
  icon: LucideIcon;
  title: string;
  text?: string;
  children?: ReactNode;
}

/** What stands where there is nothing to show: says why, and offers what to do. */
export function Blank({ icon: Icon, title, text, children }: Props) {
  return (
    <Stack align="center" gap="xs" py={72} px="md" ta="center">
      <ThemeIcon size={56} radius="xl" variant="light" color="gray" mb="xs" aria-hidden>
        <Icon size={26} strokeWidth={1.6} />
      </ThemeIcon>
      <Title order={2} fz="lg">
        {title}
      </Title>
      {text && (
        <Text c="var(--muted)" maw={440} size="sm">
          {text}
        </Text>
      )}
      {children}
    </Stack>
  );
}
