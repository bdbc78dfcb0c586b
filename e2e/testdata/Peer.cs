// A .NET program that talks as the teaching sample does: TcpListener or TcpClient, BinaryWriter.Write(string),
// BinaryReader.ReadString(). One connection after another.
//
//   mono Peer.exe listen PORT          0 is any
//   mono Peer.exe dial HOST PORT
//
// Commands on standard input, one a line:
//
//   send BASE64    Write(the string whose UTF-8 this is)
//   raw BASE64     these bytes as they are, behind BinaryWriter's back
//   close          close in order (FIN)
//   reset          close with a linger time of zero (RST)
//
// Standard output, one a line, flushed:
//
//   listening PORT
//   connected REMOTE
//   received BYTES SHA256    of the UTF-8 of what ReadString() returned
//   end                      the other side closed in order
//   lost WHY                 it did not
//   error WHY                a command failed

using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

static class Peer
{
    static readonly UTF8Encoding Utf8 = new UTF8Encoding(false, true);
    static readonly object Gate = new object(); // of client and writer
    static TcpClient client;
    static BinaryWriter writer;

    static int Main(string[] args)
    {
        if (args.Length == 2 && args[0] == "listen")
        {
            var listener = new TcpListener(IPAddress.Loopback, int.Parse(args[1]));
            listener.Start();
            Say("listening " + ((IPEndPoint)listener.LocalEndpoint).Port);
            new Thread(Obey) { IsBackground = true }.Start();
            while (true)
            {
                Talk(listener.AcceptTcpClient());
            }
        }
        if (args.Length == 3 && args[0] == "dial")
        {
            var dialled = new TcpClient();
            dialled.Connect(args[1], int.Parse(args[2]));
            new Thread(Obey) { IsBackground = true }.Start();
            Talk(dialled);
            return 0;
        }
        Console.Error.WriteLine("usage: Peer listen PORT | Peer dial HOST PORT");
        return 2;
    }

    // Talk reads strings until the connection ends.
    static void Talk(TcpClient c)
    {
        var stream = c.GetStream();
        var reader = new BinaryReader(stream, Utf8);
        lock (Gate)
        {
            client = c;
            writer = new BinaryWriter(stream, Utf8);
        }
        Say("connected " + c.Client.RemoteEndPoint);
        try
        {
            while (true)
            {
                byte[] utf8 = Utf8.GetBytes(reader.ReadString());
                using (var sha = SHA256.Create())
                {
                    Say("received " + utf8.Length + " " + Hex(sha.ComputeHash(utf8)));
                }
            }
        }
        catch (EndOfStreamException)
        {
            Say("end");
        }
        catch (Exception e) // IOException, or ObjectDisposedException after our own close
        {
            Say("lost " + e.Message.Replace('\n', ' '));
        }
        c.Close();
    }

    // Obey carries out commands until standard input ends, and the program with it.
    static void Obey()
    {
        var lines = new StreamReader(Console.OpenStandardInput(), Utf8);
        string line;
        while ((line = lines.ReadLine()) != null)
        {
            try
            {
                lock (Gate)
                {
                    Do(line.Split(new[] { ' ' }, 2));
                }
            }
            catch (Exception e)
            {
                Say("error " + e.Message.Replace('\n', ' '));
            }
        }
        Environment.Exit(0);
    }

    static void Do(string[] command)
    {
        switch (command[0])
        {
            case "send":
                writer.Write(Utf8.GetString(Convert.FromBase64String(command[1])));
                writer.Flush();
                break;
            case "raw":
                writer.Write(Convert.FromBase64String(command[1]));
                writer.Flush();
                break;
            case "close":
                client.Client.Shutdown(SocketShutdown.Both);
                client.Close();
                break;
            case "reset":
                client.LingerState = new LingerOption(true, 0);
                client.Client.Close();
                break;
            default:
                Say("error no such command: " + command[0]);
                break;
        }
    }

    static string Hex(byte[] bytes)
    {
        return BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();
    }

    static void Say(string line)
    {
        lock (Console.Out)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }
}
