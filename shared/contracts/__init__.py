"""The only words services share: events, their envelope, refusals, tokens and queues.

Nothing here touches a network, a clock or a database; everything else may import it.
"""
