/* A Modbus device made of libmodbus, which shares no code with pumpd: register n of unit u holds 100 u + n.
 *
 * third_party_server tcp            prints the port it serves on loopback
 * third_party_server rtu PORT UNIT  serves one unit on a serial port
 *
 * Ends when its standard input is closed.
 */
#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>

static modbus_mapping_t *mapping_of(int unit)
{
    modbus_mapping_t *mapping = modbus_mapping_new(64, 64, 200, 200);
    if (mapping == NULL)
        exit(3);
    for (int n = 0; n < 200; n++)
        mapping->tab_registers[n] = mapping->tab_input_registers[n] = 100 * unit + n;
    for (int n = 0; n < 64; n++)
        mapping->tab_bits[n] = mapping->tab_input_bits[n] = n % 2;
    return mapping;
}

static int stdin_closed(const struct pollfd *input)
{
    char byte;
    return (input->revents & (POLLIN | POLLHUP)) && read(0, &byte, 1) <= 0;
}

static int serve(modbus_t *context, int listening, int fixed_unit)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    struct pollfd watched[2] = {{.fd = 0, .events = POLLIN}, {.events = POLLIN}};
    int connected = listening < 0;
    for (;;) {
        watched[1].fd = connected ? modbus_get_socket(context) : listening;
        if (poll(watched, 2, -1) < 0)
            return 3;
        if (stdin_closed(&watched[0]))
            return 0;
        if (!(watched[1].revents & (POLLIN | POLLHUP)))
            continue;
        if (!connected) {
            connected = modbus_tcp_accept(context, &listening) >= 0;
            continue;
        }
        int length = modbus_receive(context, query);
        if (length < 0 && listening >= 0) {
            close(modbus_get_socket(context));
            connected = 0;
        }
        if (length <= 0)
            continue;
        int unit = fixed_unit ? fixed_unit : query[modbus_get_header_length(context) - 1];
        modbus_mapping_t *mapping = mapping_of(unit);
        modbus_reply(context, query, length, mapping);
        modbus_mapping_free(mapping);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "tcp") == 0) {
        modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
        int listening = modbus_tcp_listen(context, 1);
        struct sockaddr_in address;
        socklen_t size = sizeof address;
        if (listening < 0 || getsockname(listening, (struct sockaddr *)&address, &size) < 0)
            return 3;
        printf("%d\n", ntohs(address.sin_port));
        fflush(stdout);
        int status = serve(context, listening, 0);
        close(listening);
        modbus_free(context);
        return status;
    }
    if (argc == 4 && strcmp(argv[1], "rtu") == 0) {
        modbus_t *context = modbus_new_rtu(argv[2], 19200, 'N', 8, 1);
        modbus_set_slave(context, atoi(argv[3]));
        if (modbus_connect(context) < 0) {
            fprintf(stderr, "%s: %s\n", argv[2], modbus_strerror(errno));
            return 3;
        }
        printf("ready\n");
        fflush(stdout);
        int status = serve(context, -1, atoi(argv[3]));
        modbus_close(context);
        modbus_free(context);
        return status;
    }
    return 2;
}
