import { Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { count, duration } from "@/ui/format";
import type { Queue } from "./queries";

/** How much waits in each queue, how much was parked, and who works on it. */
export function Queues({ queues }: { queues: readonly Queue[] }) {
  const { t } = useTranslation();
  return (
    <div className="panel" style={{ padding: 0 }}>
      <Table.ScrollContainer
        minWidth={560}
        type="native"
        tabIndex={0}
        role="region"
        aria-label={t("system.queues")}
      >
        <Table verticalSpacing="xs" horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("system.queue")}</Table.Th>
              <Table.Th ta="right">{t("system.ready")}</Table.Th>
              <Table.Th ta="right">{t("system.oldest")}</Table.Th>
              <Table.Th ta="right">{t("system.setAside")}</Table.Th>
              <Table.Th ta="right">{t("system.consumers")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody className="tabular">
            {queues.map((queue) => (
              <Table.Tr key={queue.name}>
                <Table.Td>
                  <Text size="sm" fw={550}>
                    {queue.name}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">{figure(queue.ready)}</Table.Td>
                <Table.Td ta="right">
                  {queue.oldest_seconds === null ? "–" : duration(queue.oldest_seconds)}
                </Table.Td>
                <Table.Td ta="right" fw={queue.parked ? 700 : undefined}>
                  {figure(queue.parked)}
                </Table.Td>
                <Table.Td ta="right">{figure(queue.consumers)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  );
}

/** A number, or a dash for what is not known. */
function figure(value: number | null): string {
  return value === null ? "–" : count(value);
}
