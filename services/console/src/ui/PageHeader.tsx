import { Group, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

interface Props {
  title: string;
  /** What stands before the title: a face. */
  lead?: ReactNode;
  /** What stands beside the title: a count, a state. */
  aside?: ReactNode;
  children?: ReactNode;
}

/** The head of a page: its name, also that of the window, and what can be done on it. */
export function PageHeader({ title, lead, aside, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Marquee`;
  }, [title]);
  return (
    <Group justify="space-between" gap="sm" mb="md" wrap="wrap" mih={36}>
      <Group gap="sm" wrap="nowrap" miw={0}>
        {lead}
        <Title order={1} className="clip">
          {title}
        </Title>
        {aside}
      </Group>
      {children && <Group gap="xs">{children}</Group>}
    </Group>
  );
}
